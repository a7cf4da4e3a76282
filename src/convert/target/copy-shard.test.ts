import { expect, test } from "vitest";
import { memoryDirectory } from "../../runtime/store/memory-directory.ts";
import type { ByteSource } from "../checkpoint/byte-source.ts";
import { joinedSource, windowed } from "../checkpoint/source-window.ts";
import { copyShard } from "./copy-shard.ts";
import { openJournal } from "./journal.ts";
import { opfsTarget } from "./opfs-target.ts";
import { writeShard } from "./write-shard.ts";

const MIB = 1 << 20;
const SIZE = 33 * MIB + 5;

/** Bytes that tell where they are from; fails once `after` bytes were read. */
function source(after: number): ByteSource & { read: ByteSource["read"]; readonly bytes: () => number } {
  let bytes = 0;
  return {
    size: SIZE,
    bytes: () => bytes,
    read: async (offset, length) => {
      if (bytes + length > after) throw new Error("gone");
      bytes += length;
      return Uint8Array.from({ length }, (_, i) => (offset + i) >> 16);
    },
  };
}

test("a copy that broke off reads no finished piece again", async () => {
  const root = memoryDirectory();
  const copy = async (from: ByteSource) => {
    const target = await opfsTarget(root, "key");
    try {
      return await writeShard(target, openJournal(target), "onnx/data", copyShard(from, "data"), () => {});
    } finally {
      await target.leave();
    }
  };
  await expect(copy(source(20 * MIB))).rejects.toThrow("gone");
  const rest = source(SIZE);
  const file = await copy(rest);
  // The first piece of 16 MiB was finished.
  expect(rest.bytes()).toBe(SIZE - 16 * MIB);
  const again = await copy(source(0));
  expect(again).toEqual(file);
  expect(file.bytes).toBe(SIZE);
});

test("a joined source answers across its segments, and a window reads ahead once", async () => {
  const inner = source(SIZE);
  const joined = joinedSource([
    Uint8Array.of(1, 2, 3),
    { source: inner, from: 65_534, to: 65_539 },
    Uint8Array.of(9),
  ]);
  expect(joined.size).toBe(9);
  expect([...(await joined.read(1, 8))]).toEqual([2, 3, 0, 0, 1, 1, 1, 9]);
  const before = inner.bytes();
  const near = windowed(inner);
  expect([...(await near.read(65_530, 8))]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
  expect([...(await near.read(65_536, 2))]).toEqual([1, 1]);
  expect(inner.bytes() - before).toBe(256 * 1024);
  // Behind the window, and at the end of the file.
  expect([...(await near.read(SIZE - 2, 2))]).toEqual([16, 16]);
});
