import { createOwnModels } from "../../client/own-models.ts";
import { toUnmaskError, type UnmaskError } from "../../core/errors.ts";
import type { OwnChoice, OwnLeftover, OwnLook, OwnProgress, OwnSource } from "../../own/protocol.ts";
import { type GivenFile, pickedFiles } from "../../sources/file-folder.ts";
import type { Status } from "../status.ts";
import { describeLook, needsMask, size, weightsOf } from "./own-words.ts";

const DTYPES = ["q4", "q8", "f16", "f32"] as const;

/** The form in which a user brings a model. */
export interface OwnPanel {
  focus(): void;
  /** Looks at files that were dropped. */
  give(files: readonly GivenFile[]): void;
}

/**
 * Look, then convert, then use. One source at a time; what is under way can be cancelled, and goes on when the same is
 * given again.
 *
 * @param say tells the page's status line
 * @param use gets the address of a model that can be loaded, its name, and whether the form still has something to say
 */
export function wireOwnPanel(
  say: Status["say"],
  use: (address: string, name: string, stay: boolean) => void,
): OwnPanel {
  const form = findForm();
  const models = createOwnModels();
  let source: OwnSource | undefined;
  let look: OwnLook | undefined;
  let busy = false;

  const choice = (): OwnChoice => {
    const profile = form.profile.value;
    const dtype = DTYPES.find((name) => name === form.dtype.value) ?? "q4";
    const mask = form.mask.value === "" ? undefined : form.mask.valueAsNumber;
    return { dtype, ...(profile !== "" && { profile }), ...(mask !== undefined && { mask }) };
  };
  const refresh = (): void => {
    for (const field of [
      form.look,
      form.name,
      form.folder,
      form.dtype,
      form.profile,
      form.mask,
      form.convert,
    ]) {
      field.disabled = busy;
    }
    form.running.hidden = !busy;
    form.found.hidden = busy || look === undefined;
  };
  const fail = (error: UnmaskError): void => {
    if (error.code === "aborted") {
      say(error.message);
      return;
    }
    const [what, code] = [document.createElement("p"), document.createElement("code")];
    what.className = "what";
    what.textContent = error.message;
    code.textContent = error.code;
    form.problem.replaceChildren(what, code);
    form.problem.hidden = false;
    say(`error: ${error.code}`, error.message);
  };
  /** @returns what the job failed with */
  const run = async (text: string, job: () => Promise<void>): Promise<UnmaskError | undefined> => {
    if (busy) {
      say("busy: cancel what is under way first");
      return undefined;
    }
    busy = true;
    form.problem.hidden = true;
    form.notes.replaceChildren();
    show({ text });
    say(text);
    refresh();
    try {
      await job();
      return undefined;
    } catch (thrown) {
      const error = toUnmaskError(thrown);
      fail(error);
      return error;
    } finally {
      busy = false;
      refresh();
    }
  };
  const show = ({ text, share }: OwnProgress): void => {
    form.state.textContent = text;
    if (share === undefined) form.progress.removeAttribute("value");
    else form.progress.value = share;
  };
  const lookAt = (given: OwnSource) =>
    run("looking at it", async () => {
      source = given;
      look = undefined;
      look = await models.look(given, choice());
      const { title, lines, action } = describeLook(look);
      form.title.textContent = title;
      form.facts.replaceChildren(...lines.map(item));
      form.convert.textContent = action ?? "";
      form.convert.hidden = action === undefined;
      form.choices.hidden = look.inspection.kind === "bundle" || look.dtypes.length === 0;
      offerDtypes(form.dtype, look);
      form.maskField.hidden = !needsMask(look) && form.mask.value === "";
      say(title, lines.join(". "));
    });
  const convert = async (): Promise<void> => {
    const found = look;
    if (found?.bundle !== undefined) return use(found.bundle, found.name, false);
    const error = await run("converting", async () => {
      // Asked for here, after a click: a model that took minutes should not be evicted.
      void navigator.storage.persist?.();
      const { address, name, warnings } = await models.convert(choice(), show);
      look = undefined;
      form.name.value = "";
      form.notes.replaceChildren(...warnings.map(({ message }) => item(message)));
      use(address, name, warnings.length > 0);
    });
    await listLeftovers();
    // The connection was cancelled with the rest; a new look also finds what is done.
    if (error?.code === "aborted") await again();
  };
  const again = async (): Promise<void> => {
    if (source === undefined) return;
    const { profile } = choice();
    const error = await lookAt(source);
    if (error?.code !== "invalid-options" || profile === undefined) return;
    // A choice that does not fit would leave a form without the field to correct it in.
    form.profile.value = "";
    if ((await lookAt(source)) === undefined) fail(error);
  };
  const lookAnew = (given: OwnSource): void => {
    // What is under way was asked for with these.
    if (!busy) {
      form.profile.value = "";
      form.mask.value = "";
    }
    void lookAt(given);
  };
  const goOn = async ({ origin, choice: chosen }: OwnLeftover): Promise<void> => {
    offerDtypes(form.dtype, { dtypes: [chosen.dtype], dtype: chosen.dtype });
    form.profile.value = chosen.profile ?? "";
    form.mask.value = String(chosen.mask ?? "");
    if (origin === undefined) return;
    form.name.value = origin;
    await lookAt({ kind: "text", text: origin });
    if (look?.storedBytes !== undefined) await convert();
  };
  const listLeftovers = async (): Promise<void> => {
    const left = await models.leftovers().catch(() => []);
    form.leftovers.hidden = left.length === 0;
    form.leftovers.replaceChildren(
      ...left.map((entry) => {
        const text = `${entry.name}: unfinished, ${size(entry.bytes)}${entry.origin === undefined ? "; give its files again to go on" : ""}`;
        const node = item(text);
        if (entry.origin !== undefined) node.append(button("Go on", () => void goOn(entry)));
        node.append(
          button("Remove", async () => {
            await models.removeLeftover(entry.key).catch((error: unknown) => fail(toUnmaskError(error)));
            await listLeftovers();
          }),
        );
        return node;
      }),
    );
  };

  form.root.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.name.value.trim() !== "") lookAnew({ kind: "text", text: form.name.value });
  });
  form.folder.addEventListener("click", () => form.files.click());
  form.files.addEventListener("change", () => {
    const files = pickedFiles(Array.from(form.files.files ?? []));
    form.files.value = "";
    if (files.length > 0) lookAnew({ kind: "files", files });
  });
  form.convert.addEventListener("click", () => void convert());
  form.cancel.addEventListener("click", () => models.abort());
  for (const field of [form.dtype, form.profile, form.mask]) {
    field.addEventListener("change", () => void again());
  }
  refresh();
  void listLeftovers();
  return {
    focus: () => form.name.focus(),
    give: (files) => lookAnew({ kind: "files", files }),
  };
}

function offerDtypes(select: HTMLSelectElement, { dtypes, dtype }: Pick<OwnLook, "dtypes" | "dtype">): void {
  select.replaceChildren(...dtypes.map((name) => new Option(weightsOf(name), name, false, name === dtype)));
}

function item(text: string): HTMLLIElement {
  const node = document.createElement("li");
  node.append(text);
  return node;
}

function button(text: string, act: () => void): HTMLButtonElement {
  const node = document.createElement("button");
  node.type = "button";
  node.className = "inline";
  node.textContent = text;
  node.addEventListener("click", act);
  return node;
}

function findForm() {
  // Each id is in index.html with the element type of its field; a wrong one would fail on first use in any test.
  const get = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
  return {
    root: get<HTMLFormElement>("own"),
    name: get<HTMLInputElement>("own-name"),
    look: get<HTMLButtonElement>("own-look"),
    folder: get<HTMLButtonElement>("own-folder"),
    files: get<HTMLInputElement>("own-files"),
    found: get("own-found"),
    title: get("own-title"),
    facts: get("own-facts"),
    notes: get("own-notes"),
    choices: get("own-choices"),
    dtype: get<HTMLSelectElement>("own-dtype"),
    profile: get<HTMLSelectElement>("own-profile"),
    maskField: get("own-mask-field"),
    mask: get<HTMLInputElement>("own-mask"),
    convert: get<HTMLButtonElement>("own-convert"),
    running: get("own-running"),
    progress: get<HTMLProgressElement>("own-progress"),
    state: get("own-state"),
    cancel: get<HTMLButtonElement>("own-cancel"),
    problem: get("own-problem"),
    leftovers: get("own-leftovers"),
  };
}
