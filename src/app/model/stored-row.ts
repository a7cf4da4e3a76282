import { toUnmaskError } from "../../core/errors.ts";
import type { StoredModel, StoreProgress, Verification } from "../../store-protocol.ts";
import { megabytes } from "../progress.ts";
import { usedWhen } from "./used-when.ts";

/** What the buttons of a row do. */
export interface RowActions {
  /** Reads out what the row shows. */
  tell(text: string): void;
  use(): void;
  verify(report: StoreProgress): Promise<Verification>;
  save(): Promise<void>;
  /** Deletes the model; the row goes with it. */
  remove(): Promise<void>;
}

/** One stored model: name, size, last use, and its buttons. Deleting asks once more in the row itself. */
export function storedRow(model: StoredModel, chosen: boolean, actions: RowActions): HTMLLIElement {
  const said = element("p", "hint said");
  const tell = (text: string): void => {
    said.textContent = text;
    actions.tell(text);
  };
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.ariaLabel = `Verifying ${model.name}`;
  bar.hidden = true;
  const buttons = element("div", "actions");
  const all = (): HTMLButtonElement[] => [...buttons.querySelectorAll("button")];
  const busy = async (job: () => Promise<void>): Promise<void> => {
    const held = document.activeElement;
    for (const each of all()) each.disabled = true;
    try {
      await job();
    } catch (error) {
      tell(toUnmaskError(error).message);
    } finally {
      bar.hidden = true;
      for (const each of all()) each.disabled = false;
      if (held instanceof HTMLElement && document.activeElement === document.body) held.focus();
    }
  };
  const verify = () =>
    busy(async () => {
      bar.hidden = false;
      bar.value = 0;
      tell("Verifying every chunk");
      const found = await actions.verify((bytes, total) => {
        bar.value = total === 0 ? 1 : bytes / total;
      });
      tell(verdict(model, found));
    });
  const ask = (): void => {
    const sure = button("Delete", `Delete ${model.name} for good`, () => void busy(actions.remove));
    sure.classList.add("danger");
    const keep = button("Keep", `Keep ${model.name}`, () => offer(true));
    buttons.replaceChildren(sure, keep);
    tell(
      model.local
        ? "This browser has the only copy. Delete it?"
        : "It can be downloaded again. Delete it here?",
    );
    sure.focus();
  };
  const offer = (focus = false): void => {
    said.textContent = model.complete ? "" : "Not complete: the next load fetches the rest.";
    const use = button("Use", `Use ${model.name}`, actions.use);
    const remove = button("Delete", `Delete ${model.name}`, ask);
    buttons.replaceChildren(
      ...(chosen ? [] : [use]),
      button("Verify", `Verify ${model.name}`, () => void verify()),
      button("Export", `Export ${model.name}`, () => void busy(actions.save)),
      remove,
    );
    if (focus) remove.focus();
  };
  offer();
  buttons.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || all().length !== 2) return;
    event.stopPropagation();
    offer(true);
  });
  const name = element("p", "name");
  name.textContent = model.name;
  const facts = element("p", "hint");
  facts.textContent = [
    `${megabytes(model.bytes)} MB`,
    usedWhen(model.used, Date.now()),
    ...(model.local ? ["only here"] : []),
    ...(chosen ? ["chosen"] : []),
  ].join(" · ");
  const row = document.createElement("li");
  row.append(name, facts, buttons, bar, said);
  return row;
}

function verdict({ local }: StoredModel, { bytes, damaged }: Verification): string {
  if (damaged.length === 0) return `All ${megabytes(bytes)} MB are right.`;
  const files = damaged.length === 1 ? `${damaged[0]} was` : `${damaged.length} files were`;
  const advice = local ? "Import or convert the model again." : "The next load fetches it again.";
  return `${files} damaged and is removed. ${advice}`;
}

function element(tag: "p" | "div", className: string): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}

/** The name says what it is about; what is shown is the beginning of it. */
export function button(text: string, name: string, act: () => void): HTMLButtonElement {
  const node = document.createElement("button");
  node.type = "button";
  node.className = "plain";
  node.textContent = text;
  if (name !== "") node.ariaLabel = name;
  node.addEventListener("click", act);
  return node;
}
