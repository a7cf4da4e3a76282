import { type ByteSource, memorySource } from "../convert/checkpoint/byte-source.ts";
import { UnmaskError } from "../core/errors.ts";

/** Takes a file in that arrives front to back, and gives random access to it once it is complete. */
export interface Spool {
  write(part: Uint8Array): Promise<void>;
  finish(): Promise<ByteSource>;
}

export type OpenSpool = () => Promise<Spool>;

const MAX_MEMORY_BYTES = 64_000_000;

/** In memory, for small files. @throws UnmaskError `source-blocked` for others */
export async function memorySpool(): Promise<Spool> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  return {
    write: async (part) => {
      bytes += part.length;
      if (bytes > MAX_MEMORY_BYTES) {
        throw new UnmaskError(
          "source-blocked",
          `The server cannot send parts of a file, and this one is larger than ${MAX_MEMORY_BYTES / 1e6} MB. Download it and give the file instead.`,
        );
      }
      parts.push(part);
    },
    finish: async () => {
      const whole = new Uint8Array(bytes);
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return memorySource(whole);
    },
  };
}
