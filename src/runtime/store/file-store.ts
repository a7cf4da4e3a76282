import { isHeld, isNotFound, type SyncAccess, type WorkerFileHandle } from "./opfs.ts";
import { partialName } from "./store-layout.ts";

/** Files kept between visits, by the hash of their content. Failures reject; callers go on without the store. */
export interface FileStore {
  /** A complete file, not read yet and not verified. */
  find(sha256: string): Promise<File | undefined>;
  /** Names and bytes of everything there is, partial files too (`partialName`). */
  sizes(): Promise<ReadonlyMap<string, number>>;
  /** Takes a file up where an earlier visit left it, or begins it; undefined while somebody else writes it. */
  begin(sha256: string): Promise<PartialFile | undefined>;
  /** Removes what `sizes` names; what another tab holds open stays. */
  remove(name: string): Promise<void>;
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

/** The worker of a page that was just reloaded lets go of its file a moment later. */
const LOCK_PAUSES_MS = [50, 150, 450];

/** A {@link FileStore} in one directory, from a worker. */
export function fileStore(folder: FileSystemDirectoryHandle): FileStore {
  return {
    async find(sha256) {
      try {
        return await (await folder.getFileHandle(sha256)).getFile();
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async sizes() {
      const sizes = new Map<string, number>();
      for await (const [name, handle] of folder.entries()) {
        if (handle.kind === "file") sizes.set(name, (await (handle as FileSystemFileHandle).getFile()).size);
      }
      return sizes;
    },
    async begin(sha256) {
      const name = partialName(sha256);
      const handle = (await folder.getFileHandle(name, { create: true })) as unknown as WorkerFileHandle;
      for (const pause of [...LOCK_PAUSES_MS, undefined]) {
        try {
          return partialFile(handle, sha256, await handle.createSyncAccessHandle());
        } catch (error) {
          // A worker that is about to end, or one of a browser without locks, holds it.
          if (!isHeld(error)) throw error;
        }
        if (pause !== undefined) await new Promise((resolve) => setTimeout(resolve, pause));
      }
      return undefined;
    },
    async remove(name) {
      await folder.removeEntry(name).catch((error: unknown) => {
        if (!isNotFound(error) && !isHeld(error)) throw error;
      });
    },
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
