import { open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { UnmaskError } from "../../core/errors.ts";
import type { ByteSource, CheckpointFolder } from "./byte-source.ts";

/** A checkpoint folder on disk. Only plain names of files that stand in it can be opened. */
export function nodeFolder(path: string): CheckpointFolder {
  return {
    name: path,
    names: async () => {
      const entries = await readdir(path).catch((cause: unknown) => {
        const code = codeOf(cause);
        const what = code === "ENOTDIR" ? "is not a folder" : `cannot be read: ${code}`;
        const message = code === "ENOENT" ? `There is no folder ${path}.` : `${path} ${what}.`;
        throw new UnmaskError("not-found", message, { cause });
      });
      return entries;
    },
    open: async (name) => {
      if (basename(name) !== name || name === "..") {
        throw new UnmaskError("checkpoint-invalid", `${JSON.stringify(name)} is not a file of ${path}.`);
      }
      return nodeFile(join(path, name));
    },
    inner: async (name) => {
      const info = await stat(join(path, basename(name))).catch(() => undefined);
      return info?.isDirectory() === true ? nodeFolder(join(path, basename(name))) : undefined;
    },
  };
}

/** A file on disk; opened for each read, so nothing stays open behind an error. */
export async function nodeFile(path: string): Promise<ByteSource> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new UnmaskError("not-found", `There is no file ${path}.`, { cause });
  });
  if (!info.isFile()) throw new UnmaskError("checkpoint-invalid", `${path} is not a plain file.`);
  return {
    size: info.size,
    version: `${info.size} ${info.mtimeMs}`,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      const handle = await open(path, "r").catch((cause: unknown) => {
        throw new UnmaskError("not-found", `${path} cannot be opened: ${codeOf(cause)}.`, { cause });
      });
      try {
        let done = 0;
        while (done < length) {
          const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
          if (bytesRead === 0) throw new UnmaskError("file-truncated", `${path} ended while it was read.`);
          done += bytesRead;
        }
      } finally {
        await handle.close();
      }
      return bytes;
    },
  };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
