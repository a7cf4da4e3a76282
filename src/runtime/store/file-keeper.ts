import type { ChunkKeeper } from "./download.ts";
import type { PartialFile } from "./file-store.ts";

/** What keeps a file while it arrives. */
export interface FileKeeper extends ChunkKeeper {
  /** The file is complete. @param bytes its length */
  commit(bytes: number): Promise<void>;
  close(): void;
}

/** A partial file whose failures end the keeping and nothing else. */
export function keeperOf(partial: PartialFile | undefined, setAside: (cause: unknown) => void): FileKeeper {
  let open = partial;
  const close = () => {
    open?.close();
    open = undefined;
  };
  const fail = (cause: unknown) => {
    setAside(cause);
    try {
      close();
    } catch {
      // It is already broken and said so.
    }
  };
  return {
    restore(into: Uint8Array<ArrayBuffer>): number {
      try {
        return open?.restore(into) ?? 0;
      } catch (cause) {
        fail(cause);
        return 0;
      }
    },
    keep(offset: number, bytes: Uint8Array<ArrayBuffer>) {
      try {
        open?.write(offset, bytes);
      } catch (cause) {
        fail(cause);
      }
    },
    async commit(bytes: number) {
      const last = open;
      open = undefined;
      await last?.commit(bytes).catch(setAside);
    },
    close,
  };
}
