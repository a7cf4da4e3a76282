/** Files kept between visits, by the hash of their content. Failures reject; callers go on without the store. */
export interface FileStore {
  get(sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Takes a file up where an earlier visit left it, or begins it; undefined while somebody else writes it. */
  begin(sha256: string): Promise<PartialFile | undefined>;
  remove(sha256: string): Promise<void>;
}

/** A file on its way in. Nothing of it is seen by `get` before `commit`. */
export interface PartialFile {
  /** Copies what an earlier visit wrote, not verified; returns how many bytes. */
  restore(into: Uint8Array<ArrayBuffer>): number;
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): void;
  /** Puts the file in its place, complete. @param bytes its length */
  commit(bytes: number): Promise<void>;
  /** Lets go of the file and leaves what was written for the next visit. */
  close(): void;
}

const FOLDER = "unmask-files";
/** The worker of a page that was just reloaded lets go of its file a moment later. */
const LOCK_PAUSES_MS = [50, 150, 450];

/** The origin private file system; undefined where the browser has none or does not grant it. */
export async function openOpfsStore(): Promise<FileStore | undefined> {
  const storage = navigator.storage as StorageManager | undefined;
  if (storage?.getDirectory === undefined) return undefined;
  const root = await storage.getDirectory();
  return folderStore(await root.getDirectoryHandle(FOLDER, { create: true }));
}

/** A file handle as workers have it; the types of the page leave these out. */
interface WorkerFileHandle {
  createSyncAccessHandle(): Promise<SyncAccess>;
  move(name: string): Promise<void>;
}

interface SyncAccess {
  read(into: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** A {@link FileStore} in one directory, from a worker. */
function folderStore(folder: FileSystemDirectoryHandle): FileStore {
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
    async begin(sha256) {
      const name = `${sha256}.partial`;
      const handle = (await folder.getFileHandle(name, { create: true })) as unknown as WorkerFileHandle;
      for (const pause of [...LOCK_PAUSES_MS, undefined]) {
        try {
          return partialFile(handle, sha256, await handle.createSyncAccessHandle());
        } catch (error) {
          // Another worker that downloads the same file holds it.
          if (!(error instanceof DOMException && error.name === "NoModificationAllowedError")) throw error;
        }
        if (pause !== undefined) await new Promise((resolve) => setTimeout(resolve, pause));
      }
      return undefined;
    },
    remove: (sha256) => folder.removeEntry(sha256),
  };
}

function partialFile(handle: WorkerFileHandle, sha256: string, access: SyncAccess): PartialFile {
  return {
    restore: (into) => access.read(into, { at: 0 }),
    write(offset, bytes) {
      const written = access.write(bytes, { at: offset });
      if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
    },
    async commit(bytes) {
      access.truncate(bytes);
      access.flush();
      access.close();
      await handle.move(sha256);
    },
    close: () => access.close(),
  };
}
