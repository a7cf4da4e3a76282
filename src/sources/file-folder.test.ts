import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findExport } from "../convert/exports/find-export.ts";
import { inspectCheckpoint } from "../convert/inspect.ts";
import { memoryDirectory } from "../runtime/store/memory-directory.ts";
import type { WorkerFileHandle } from "../runtime/store/opfs.ts";
import { directoryFolder, filesFolder, pickedFiles } from "./file-folder.ts";

/** Picked and dropped files, and directory handles, as far as they exist outside a browser. */
function fileAt(path: string, text: string): File {
  const file = new File([text], path.split("/").at(-1)!);
  return Object.defineProperty(file, "webkitRelativePath", { value: path.includes("/") ? path : "" });
}

async function textOf(folder: ReturnType<typeof filesFolder>, name: string): Promise<string> {
  const source = await folder.open(name);
  return new TextDecoder().decode(await source.read(0, source.size));
}

test("loose files are a folder", async () => {
  const folder = filesFolder(
    pickedFiles([fileAt("config.json", "{}"), fileAt("model.safetensors", "weights")]),
  );
  expect(await folder.names()).toEqual(["config.json", "model.safetensors"]);
  expect(await textOf(folder, "model.safetensors")).toBe("weights");
  await expect(folder.open("__proto__")).rejects.toMatchObject({ code: "not-found" });
});

test("of a dropped tree the files beside the shallowest config.json are taken", async () => {
  const folder = filesFolder(
    pickedFiles([
      fileAt("m/snapshot/config.json", "outer"),
      fileAt("m/snapshot/onnx/config.json", "inner"),
      fileAt("m/snapshot/tokenizer.json", "t"),
      fileAt("m/readme.md", "r"),
    ]),
  );
  expect((await folder.names()).toSorted()).toEqual(["config.json", "tokenizer.json"]);
  expect(await textOf(folder, "config.json")).toBe("outer");
  expect(await filesFolder([]).names()).toEqual([]);
});

test("a directory handle offers its files and not its folders", async () => {
  const files = new Map([["config.json", new File(["{}"], "config.json")]]);
  const handle = {
    name: "model",
    async *values() {
      for (const name of files.keys()) yield { kind: "file", name };
      yield { kind: "directory", name: "onnx" };
    },
    getFileHandle: async (name: string) => {
      const file = files.get(name);
      if (file === undefined) throw new DOMException("gone", "NotFoundError");
      return { getFile: async () => file };
    },
  } as unknown as FileSystemDirectoryHandle; // the part of it that is used
  const folder = directoryFolder(handle);
  expect(await folder.names()).toEqual(["config.json"]);
  expect(await textOf(folder, "config.json")).toBe("{}");
  await expect(folder.open("other")).rejects.toMatchObject({ code: "not-found" });
});

test("a file that can no longer be read says so", async () => {
  const gone = fileAt("config.json", "{}");
  gone.slice = () =>
    ({ arrayBuffer: () => Promise.reject(new DOMException("", "NotReadableError")) }) as unknown as Blob;
  const source = await filesFolder(pickedFiles([gone])).open("config.json");
  await expect(source.read(0, 2)).rejects.toMatchObject({ code: "source-changed" });
});

test("a checkpoint is inspected where it lies: dropped, or in the private file system", async () => {
  const fixture = join(import.meta.dirname, "../convert/fixtures/a2d-qwen3-mdlm");
  const names = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];
  const root = memoryDirectory();
  const files: File[] = [];
  for (const name of names) {
    const bytes = await readFile(join(fixture, name));
    files.push(new File([bytes], name));
    const handle = (await root.getFileHandle(name, { create: true })) as unknown as WorkerFileHandle;
    const access = await handle.createSyncAccessHandle();
    access.write(new Uint8Array(bytes), { at: 0 });
    access.close();
  }
  const dropped = await inspectCheckpoint(filesFolder(pickedFiles(files)));
  const stored = await inspectCheckpoint(directoryFolder(root));
  expect(dropped).toMatchObject({ kind: "checkpoint", runnable: true, facts: { mask: 341 } });
  expect(stored).toEqual(dropped);
});

test("an export is found in what was dropped: beside its tokenizer, or in a folder of its own", async () => {
  const graphs = [fileAt("m/onnx/model.onnx", "x"), fileAt("m/onnx/model.onnx_data", "y")];
  const whole = filesFolder(pickedFiles([...graphs, fileAt("m/tokenizer.json", "{}")]));
  expect(await whole.names()).toEqual(["tokenizer.json"]);
  expect(await (await findExport(whole))?.names()).toEqual(["model.onnx", "model.onnx_data"]);
  const loose = filesFolder(pickedFiles([fileAt("model.onnx", "x"), fileAt("tokenizer.json", "{}")]));
  expect((await findExport(loose))?.name).toBe("What was dropped");
  expect(await findExport(filesFolder(pickedFiles([fileAt("config.json", "{}")])))).toBeUndefined();
});
