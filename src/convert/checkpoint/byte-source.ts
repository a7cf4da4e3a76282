import { UnmaskError } from "../../core/errors.ts";

/** Random access to one file: a Node file, a Blob, a buffer, later a ranged download. */
export interface ByteSource {
  readonly size: number;
  /** Another text for another content, where the origin tells: an ETag, a time of change. */
  readonly version?: string;
  /** Exactly `length` bytes from `offset`; the caller stays inside `size`. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A checkpoint folder as the converter sees it. Names are single file names; nothing outside can be reached. */
export interface CheckpointFolder {
  /** What to call the folder in messages. */
  readonly name: string;
  /** Reached over a network: a failure may pass, and what was done so far is worth keeping. */
  readonly remote?: boolean;
  /** Names of its files. */
  names(): Promise<readonly string[]>;
  /** @throws UnmaskError `not-found` */
  open(name: string): Promise<ByteSource>;
  /** A folder in this one; undefined when there is none by that name. */
  inner?(name: string): Promise<CheckpointFolder | undefined>;
}

/** `bytes` as a source. Reads are copies, so they start aligned whatever the offset. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    read: async (offset, length) => new Uint8Array(bytes.subarray(offset, offset + length)),
  };
}

/** A file picked or dropped in the browser, or one of its private file system. */
export function blobSource(blob: Blob, name = "The file"): ByteSource {
  return {
    size: blob.size,
    ...(blob instanceof File && { version: `${blob.size} ${blob.lastModified}` }),
    read: async (offset, length) => {
      const bytes = await blob
        .slice(offset, offset + length)
        .arrayBuffer()
        .catch((cause: unknown) => {
          throw new UnmaskError("source-changed", `${name} was changed or moved; give it again.`, { cause });
        });
      return new Uint8Array(bytes);
    },
  };
}
