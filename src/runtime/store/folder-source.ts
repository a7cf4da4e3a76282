import { createReadStream } from "node:fs";
import { join } from "node:path";
import { UnmaskError } from "../../core/errors.ts";
import type { BundleSource } from "./source.ts";

/** A bundle folder on disk (Node). */
export function folderSource(folder: string): BundleSource {
  return { name: folder, read: (path, signal, start = 0) => readPath(join(folder, path), signal, start) };
}

async function* readPath(path: string, signal: AbortSignal, start: number): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { signal, start, highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>; // no encoding set
  } catch (cause) {
    if (signal.aborted) throw new UnmaskError("aborted", "Loading the model was stopped.");
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new UnmaskError("not-found", `There is no file ${path}.`);
    throw new UnmaskError("download-failed", `${path} could not be read: ${String(code)}.`, { cause });
  }
}
