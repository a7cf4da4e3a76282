import "./stored-panel.css";
import { openStoreClient, type StoreClient } from "../../client/model-store.ts";
import { toUnmaskError } from "../../core/errors.ts";
import type { StoredModel, StoreListing } from "../../store-protocol.ts";
import { megabytes } from "../progress.ts";
import { sameFolder } from "./same-folder.ts";
import { button, storedRow } from "./stored-row.ts";

/** What the panel asks of the page. */
export interface PanelHost {
  /** Address of the chosen model, absolute. */
  chosen(): string;
  /** Chooses a model; false while a text is being written. */
  use(model: StoredModel): boolean;
  /** Reads out what is shown here. */
  tell(text: string): void;
}

export interface StoredPanel {
  /** Lists what is stored; the storage worker runs until `close`. */
  open(): Promise<void>;
  close(): void;
}

/** The models this browser keeps, in a section of the model box. */
export function createStoredPanel(section: HTMLElement, host: PanelHost): StoredPanel {
  let client: StoreClient | undefined;
  const list = document.createElement("ul");
  const room = hint();
  const said = hint();
  const bar = document.createElement("progress");
  bar.ariaLabel = "Importing a model";
  bar.hidden = true;
  const file = document.createElement("input");
  file.type = "file";
  file.accept = ".tar";
  file.hidden = true;
  file.ariaLabel = "Model to import";
  const take = button("Import", "", () => file.click());
  take.title = "A .tar file that was exported here";
  section.replaceChildren(list, file, take, bar, said, room);
  const tell = (text: string): void => {
    said.textContent = text;
    host.tell(text);
  };

  const refresh = async (): Promise<void> => {
    try {
      client ??= openStoreClient();
      show(await client.list());
    } catch (error) {
      if (toUnmaskError(error).code !== "aborted") tell(toUnmaskError(error).message);
    }
  };
  const show = (listing: StoreListing): void => {
    list.replaceChildren(...listing.models.map(rowOf));
    list.hidden = listing.models.length === 0;
    room.textContent = roomSentence(listing);
    void addPersistence(room);
  };
  const rowOf = (model: StoredModel): HTMLLIElement =>
    storedRow(model, sameFolder(model.address, host.chosen()), {
      use() {
        if (!host.use(model)) tell("Stop the current text first.");
        else void refresh().then(() => take.focus());
      },
      verify: (report) => client!.verify(model.id, report),
      save: async () => offer(await client!.pack(model.id), `${fileName(model.name)}.unmask.tar`),
      tell: host.tell,
      async remove() {
        const freed = await client!.remove(model.id);
        await refresh();
        tell(`${model.name} is deleted, ${megabytes(freed)} MB are free again.`);
        (list.querySelector("button") ?? take).focus();
      },
    });
  file.addEventListener("change", async () => {
    const [archive] = file.files ?? [];
    file.value = "";
    if (archive === undefined || client === undefined) return;
    take.disabled = true;
    bar.hidden = false;
    bar.value = 0;
    tell(`Importing ${archive.name}`);
    try {
      const model = await client.unpack(archive, (bytes, total) => {
        bar.value = bytes / Math.max(1, total);
      });
      await refresh();
      tell(`${model.name} is imported, every hash is right.`);
    } catch (error) {
      tell(toUnmaskError(error).message);
    } finally {
      bar.hidden = true;
      take.disabled = false;
      take.focus();
    }
  });
  return {
    open: refresh,
    close() {
      client?.close();
      client = undefined;
    },
  };
}

function roomSentence({ models, usage, quota }: StoreListing): string {
  const none = models.length === 0 ? "No model is stored yet. " : "";
  if (usage === undefined || quota === undefined) return none;
  return `${none}${megabytes(usage)} MB of ${(quota / 1e9).toFixed(1)} GB are used by this site.`;
}

/** Browsers may clear what a site keeps unless they were asked not to; loading a model asks. */
async function addPersistence(room: HTMLElement): Promise<void> {
  const isKept = (await navigator.storage?.persisted?.().catch(() => false)) ?? false;
  if (!isKept) room.textContent += " The browser may clear the models when space runs low.";
}

/** Hands a blob to the browser's downloads; its parts are read from the storage as it is written. */
function offer(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The download reads the address after this call.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function fileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_.-]+/g, "-").slice(0, 80) || "model";
}

function hint(): HTMLParagraphElement {
  const node = document.createElement("p");
  node.className = "hint";
  return node;
}
