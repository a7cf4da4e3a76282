/** Files kept between visits, by the hash of their content. Failures reject; callers go on without the store. */
export interface FileStore {
  get(sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** All or nothing: a file is there complete or not at all. */
  put(sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  remove(sha256: string): Promise<void>;
}

const FOLDER = "unmask-files";

/** The origin private file system; undefined where the browser has none or does not grant it. */
export async function openOpfsStore(): Promise<FileStore | undefined> {
  const storage = navigator.storage as StorageManager | undefined;
  if (storage?.getDirectory === undefined) return undefined;
  const root = await storage.getDirectory();
  return folderStore(await root.getDirectoryHandle(FOLDER, { create: true }));
}

/** A {@link FileStore} in one directory. */
export function folderStore(folder: FileSystemDirectoryHandle): FileStore {
  return {
    async get(sha256) {
      try {
        const file = await (await folder.getFileHandle(sha256)).getFile();
        return new Uint8Array(await file.arrayBuffer());
      } catch (error) {
        if (error instanceof DOMException && error.name === "NotFoundError") return undefined;
        throw error;
      }
    },
    async put(sha256, bytes) {
      // The browser writes to a swap file and puts it in place on close, so an ended page leaves no half file.
      const handle = await folder.getFileHandle(sha256, { create: true });
      const writable = await handle.createWritable();
      try {
        await writable.write(bytes);
        await writable.close();
      } catch (error) {
        await writable.abort().catch(() => {});
        await folder.removeEntry(sha256).catch(() => {});
        throw error;
      }
    },
    remove: (sha256) => folder.removeEntry(sha256),
  };
}
