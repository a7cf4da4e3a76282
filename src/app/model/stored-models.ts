import { toUnmaskError } from "../../core/errors.ts";
import type { EngineInfo } from "../../protocol.ts";
import type { StoredModel } from "../../store-protocol.ts";
import type { Page } from "../page.ts";
import { megabytes } from "../progress.ts";
import { sameFolder } from "./same-folder.ts";
import type { StoredPanel } from "./stored-panel.ts";

/** What happens on the page when a stored model is chosen, or room was made for the one that is loaded. */
export interface StoredHost {
  readonly running: boolean;
  /** Reads out what the panel shows. */
  tell(text: string): void;
  /** The chosen model is another one now. */
  changed(): void;
  /** Loads the chosen model anew, so that it is kept. */
  reload(): void;
}

/**
 * The part of the model box about storage: the panel, fetched when it is opened for the first time, and the offer to make
 * room for a model that did not fit.
 */
export function wireStoredModels(page: Page, host: StoredHost): { loaded(info: EngineInfo): void } {
  const chosen = (): string => new URL(page.model.value, document.baseURI).href;
  const use = (model: StoredModel): boolean => {
    if (host.running) return false;
    choose(page, model, chosen());
    host.changed();
    return true;
  };
  let panel: Promise<StoredPanel> | undefined;
  let last: EngineInfo | undefined;
  page.storedToggle.addEventListener("click", async () => {
    const isOpen = page.stored.hidden !== false;
    page.stored.hidden = !isOpen;
    page.storedToggle.ariaExpanded = String(isOpen);
    panel ??= import("./stored-panel.ts").then(({ createStoredPanel }) =>
      createStoredPanel(page.stored, { chosen, use, tell: host.tell }),
    );
    const opened = await panel;
    if (isOpen) await opened.open();
    else opened.close();
  });
  page.model.addEventListener("change", () => host.changed());
  return {
    loaded(info) {
      if (info === last) return;
      last = info;
      const full = info.warnings.find(({ code }) => code === "storage-full");
      page.storageNotice.hidden = true;
      if (full !== undefined) void offerRoom(page, full.message, chosen(), host);
      if (!page.stored.hidden) void panel?.then((opened) => opened.open());
    },
  };
}

/** Selects a stored model in the model box; one that is not in it yet is added. */
function choose(page: Page, { address, name }: StoredModel, current: string): void {
  if (sameFolder(address, current)) return;
  const known = [...page.model.options].find(({ value }) => sameFolder(value, address));
  if (known === undefined) page.model.append(new Option(name, address));
  page.model.value = known?.value ?? address;
}

/** Says that the model is not kept, and offers to delete the one that was used least recently. */
async function offerRoom(page: Page, sentence: string, chosen: string, host: StoredHost): Promise<void> {
  const { openStoreClient } = await import("../../client/model-store.ts");
  const client = openStoreClient();
  const text = document.createElement("p");
  text.className = "hint";
  text.textContent = sentence;
  page.storageNotice.replaceChildren(text);
  page.storageNotice.hidden = false;
  try {
    const { models } = await client.list();
    const oldest = models.filter(({ address }) => !sameFolder(address, chosen)).at(-1);
    if (oldest === undefined) return client.close();
    const act = document.createElement("button");
    act.type = "button";
    act.textContent = `Delete ${oldest.name} (${megabytes(oldest.bytes)} MB) and keep this one`;
    act.addEventListener("click", async () => {
      act.disabled = true;
      try {
        await client.remove(oldest.id);
        page.storageNotice.hidden = true;
        host.reload();
      } catch (error) {
        text.textContent = toUnmaskError(error).message;
      } finally {
        client.close();
      }
    });
    page.storageNotice.append(act);
  } catch (error) {
    client.close();
    text.textContent = `${sentence} ${toUnmaskError(error).message}`;
  }
}
