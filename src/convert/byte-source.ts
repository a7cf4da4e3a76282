/** Random access to one file: a Node file, a Blob, a buffer, later a ranged download. */
export interface ByteSource {
  readonly size: number;
  /** Exactly `length` bytes from `offset`; the caller stays inside `size`. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A checkpoint folder as the converter sees it. Names are single file names; nothing outside can be reached. */
export interface CheckpointFolder {
  /** What to call the folder in messages. */
  readonly name: string;
  names(): Promise<readonly string[]>;
  /** @throws UnmaskError `not-found` */
  open(name: string): Promise<ByteSource>;
}

/** `bytes` as a source. Reads are copies, so they start aligned whatever the offset. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    read: async (offset, length) => new Uint8Array(bytes.subarray(offset, offset + length)),
  };
}

/** A file picked in the browser. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  };
}
