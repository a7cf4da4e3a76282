import type { ByteSource } from "./byte-source.ts";

/** Reads of this many bytes at once; a varint at a time would be a request each. */
const WINDOW_BYTES = 256 * 1024;

/** Small reads of a source that mostly go forward, served from one window of it. */
export function windowed(source: ByteSource): ByteSource {
  let start = 0;
  let held = new Uint8Array(0);
  return {
    ...source,
    async read(offset, length) {
      if (length > WINDOW_BYTES) return source.read(offset, length);
      if (offset < start || offset + length > start + held.length) {
        held = await source.read(offset, Math.min(WINDOW_BYTES, source.size - offset));
        start = offset;
      }
      return held.slice(offset - start, offset - start + length);
    },
  };
}

/** Bytes that are there, or a part of a source that is read when it is asked for. */
export type Segment =
  | Uint8Array
  | { readonly source: ByteSource; readonly from: number; readonly to: number };

/** One source of many segments, in order. */
export function joinedSource(segments: readonly Segment[]): ByteSource {
  let size = 0;
  const placed = segments.map((segment) => {
    const start = size;
    size += segment instanceof Uint8Array ? segment.length : segment.to - segment.from;
    return { segment, start, end: size };
  });
  return {
    size,
    async read(offset, length) {
      const out = new Uint8Array(length);
      for (const { segment, start, end } of placed) {
        const from = Math.max(offset, start);
        const to = Math.min(offset + length, end);
        if (from >= to) continue;
        const bytes =
          segment instanceof Uint8Array
            ? segment.subarray(from - start, to - start)
            : await segment.source.read(segment.from + from - start, to - from);
        out.set(bytes, from - offset);
      }
      return out;
    },
  };
}
