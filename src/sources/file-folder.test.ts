import { expect, test } from "vitest";
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
