import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BLOCK_BYTES, readTar, tarHeader, tarPadding } from "./tar.ts";

interface Part {
  readonly name: string;
  readonly content: string;
  /** Changes the header before its checksum is made anew. */
  readonly bend?: (header: Uint8Array) => void;
}

function archive(...parts: readonly Part[]): Blob {
  const blocks = parts.flatMap(({ name, content, bend }) => {
    const bytes = new TextEncoder().encode(content);
    const header = tarHeader(name, bytes.length);
    if (bend !== undefined) {
      bend(header);
      header.set(new TextEncoder().encode("        "), 148);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    }
    return [header, bytes, new Uint8Array(tarPadding(bytes.length))];
  });
  return new Blob([...blocks, new Uint8Array(2 * BLOCK_BYTES)]);
}

const refused = (code: string, text: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(text) });

test("what was packed is found again", async () => {
  const packed = archive(
    { name: "unmask.json", content: "{}" },
    { name: "onnx/a.onnx", content: "x".repeat(700) },
  );
  const entries = await readTar(packed);
  expect(entries.map(({ name, bytes }) => [name, bytes])).toEqual([
    ["unmask.json", 2],
    ["onnx/a.onnx", 700],
  ]);
  const { offset, bytes } = entries[1]!;
  expect(await packed.slice(offset, offset + bytes).text()).toBe("x".repeat(700));
});

test("other tar programs read it, and write what is read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "unmask-tar-"));
  try {
    const packed = archive({ name: "onnx/a.onnx", content: "hello" });
    await writeFile(join(folder, "a.tar"), new Uint8Array(await packed.arrayBuffer()));
    const tar = (...args: string[]) => spawnSync("tar", args, { cwd: folder });
    expect(tar("-xf", "a.tar").status).toBe(0);
    expect(await readFile(join(folder, "onnx/a.onnx"), "utf8")).toBe("hello");
    expect(tar("--format=ustar", "-cf", "b.tar", "./onnx").status).toBe(0);
    const [entry] = await readTar(new Blob([await readFile(join(folder, "b.tar"))]));
    expect(entry).toMatchObject({ name: "onnx/a.onnx", bytes: 5 });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each(["../evil", "onnx/../../evil", "/etc/passwd", "a//b", "..", "C:evil", "a\\b"])(
  "the name %s is refused",
  async (name) => {
    await expect(readTar(archive({ name, content: "" }))).rejects.toEqual(
      refused("manifest-invalid", /leads out of it/),
    );
  },
);

test("links, devices, long names and names that come twice are refused", async () => {
  const typed = (type: string) => (header: Uint8Array) => {
    header[156] = type.charCodeAt(0);
  };
  for (const type of ["1", "2", "3", "x", "L", "g"]) {
    const bad = archive({ name: "a", content: "", bend: typed(type) });
    await expect(readTar(bad)).rejects.toEqual(refused("manifest-invalid", /not a regular file/));
  }
  const twice = archive({ name: "a", content: "1" }, { name: "./a", content: "2" });
  await expect(readTar(twice)).rejects.toEqual(refused("manifest-invalid", /twice/));
  const long = archive({ name: "a", content: "", bend: (header) => header.set([97], 345) });
  await expect(readTar(long)).rejects.toEqual(refused("manifest-invalid", /longer names/));
  expect(() => tarHeader("a".repeat(101), 1)).toThrow(refused("write-failed", /does not fit/));
});

test("anything else is no archive: cut, with sizes that lie, or of another kind", async () => {
  const whole = archive({ name: "a", content: "x".repeat(600) });
  for (const end of [0, 100, 512, 1000, 1536]) {
    await expect(readTar(whole.slice(0, end))).rejects.toEqual(refused("file-truncated", /./));
  }
  const huge = archive({
    name: "a",
    content: "",
    bend: (h) => h.set(new TextEncoder().encode("77777777777"), 124),
  });
  await expect(readTar(huge)).rejects.toEqual(refused("file-truncated", /behind its end/));
  const binary = archive({ name: "a", content: "", bend: (h) => h.set([0x80], 124) });
  await expect(readTar(binary)).rejects.toEqual(refused("manifest-invalid", /not a tar archive/));
  const noise = new Blob([Uint8Array.from({ length: 2048 }, (_, i) => (i * 37) % 256)]);
  await expect(readTar(noise)).rejects.toEqual(refused("manifest-invalid", /not a tar archive/));
});
