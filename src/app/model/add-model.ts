import type { Page } from "../page.ts";
import type { Status } from "../status.ts";
import { droppedFiles, isModelDrop } from "./dropped-files.ts";
import type { OwnPanel } from "./own-panel.ts";
import { sameFolder } from "./same-folder.ts";

/**
 * The entry for models of one's own: a button that opens the form, and folders dropped anywhere on the page. Models that
 * this browser already has are offered in the select. The form's code comes with its first use.
 *
 * @param chosen is called when a model was added and chosen in the select
 */
export function wireAddModel(page: Page, say: Status["say"], chosen: () => void): void {
  let panel: Promise<OwnPanel> | undefined;
  const offer = (address: string, name: string): void => {
    const has = Array.from(page.model.options).some(({ value }) => sameFolder(value, address));
    if (!has) page.model.append(new Option(name, address));
  };
  const open = (): Promise<OwnPanel> => {
    page.own.hidden = false;
    page.addModel.ariaExpanded = "true";
    panel ??= import("./own-panel.ts").then(({ wireOwnPanel }) =>
      wireOwnPanel(say, (address, name, stay) => {
        offer(address, name);
        const options = Array.from(page.model.options);
        page.model.value = options.find(({ value }) => sameFolder(value, address))?.value ?? address;
        if (!stay) close();
        chosen();
      }),
    );
    return panel;
  };
  const close = (): void => {
    page.own.hidden = true;
    page.addModel.ariaExpanded = "false";
    page.addModel.focus();
  };
  page.addModel.addEventListener("click", () => {
    if (page.own.hidden) void open().then((opened) => opened.focus());
    else close();
  });
  // Before the listener for recordings, which takes single files.
  const onDrop = (event: DragEvent): void => {
    const { dataTransfer } = event;
    if (dataTransfer === null || !isModelDrop(dataTransfer)) return;
    event.preventDefault();
    event.stopPropagation();
    const files = droppedFiles(dataTransfer);
    void open().then(async (opened) => opened.give(await files));
  };
  document.addEventListener("drop", onDrop, { capture: true });
  void listStored().then((models) => {
    for (const { address, name } of models) offer(address, name);
  });
}

/** Models with a record in this browser, newest first. */
async function listStored(): Promise<{ address: string; name: string }[]> {
  const storage = navigator.storage as StorageManager | undefined;
  if (storage?.getDirectory === undefined) return [];
  const [{ recordBook }, { RECORDS }] = await Promise.all([
    import("../../runtime/store/records.ts"),
    import("../../runtime/store/store-layout.ts"),
  ]);
  // None yet, or a browser that denies its storage: nothing to offer either way.
  const folder = await storage
    .getDirectory()
    .then((root) => root.getDirectoryHandle(RECORDS))
    .catch(() => undefined);
  const records = folder === undefined ? [] : await recordBook(folder).list();
  return records
    .sort((a, b) => b.added - a.added)
    .map(({ address, manifest }) => ({ address, name: manifest.name }));
}
