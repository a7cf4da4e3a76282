import type { ByteSource } from "../checkpoint/byte-source.ts";
import type { DataShard, Weight } from "../graph/graph.ts";

/** A copy that breaks off goes on behind the last of so many bytes. */
const PIECE_BYTES = 16 << 20;
const PART_BYTES = 4 << 20;

/** A file as `writeShard` takes it: copied in parts, and gone on with where an earlier run stopped. */
export function copyShard(source: ByteSource, location: string): DataShard {
  const starts = Array.from({ length: Math.ceil(source.size / PIECE_BYTES) }, (_, i) => i * PIECE_BYTES);
  const pieces = starts.map((offset) => {
    const bytes = Math.min(PIECE_BYTES, source.size - offset);
    return { offset, weight: pieceOf(source, offset, bytes) };
  });
  return { location, bytes: source.size, pieces };
}

function pieceOf(source: ByteSource, offset: number, bytes: number): Weight {
  return {
    name: `${offset}`,
    type: "u8",
    dims: [bytes],
    bytes,
    load: () => source.read(offset, bytes),
    async *parts() {
      for (let at = 0; at < bytes; at += PART_BYTES) {
        yield await source.read(offset + at, Math.min(PART_BYTES, bytes - at));
      }
    },
  };
}
