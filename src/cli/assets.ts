import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { UnmaskError } from "../core/errors.ts";
import { ORT_FILES } from "../runtime/ort/ort-files.ts";
import type { Command } from "./command.ts";
import { embeddedModel } from "./generate/generation-options.ts";

/** What a page fetches by address, so that no bundler sees it. Copies that are there already are left alone. */
export const assetsCommand: Command = {
  name: "assets",
  summary: "copy onnxruntime's files and the embedded model into the public folder of a site",
  usage: "DIR [--runtime-only]",
  options: { "runtime-only": { type: "boolean" } },
  help: { "runtime-only": "without the model" },
  async run(positionals, values, io) {
    const [folder, ...more] = positionals;
    if (folder === undefined || folder.trim() === "" || more.length > 0) {
      throw new UnmaskError("usage", "Usage: unmask assets DIR [--runtime-only]");
    }
    const wanted = [...runtimeFiles(), ...(values["runtime-only"] === true ? [] : await modelFiles())];
    const files = [];
    for (const { from, path } of wanted) {
      if (io.signal.aborted) throw new UnmaskError("aborted", "Copying was stopped.");
      const copied = await copyWhenOther(from, join(resolve(folder), path));
      if (copied) io.print(path);
      files.push({ path, copied });
    }
    const copies = files.filter(({ copied }) => copied).length;
    io.print(`${copies} files copied into ${folder}, ${files.length - copies} were there.`);
    return { json: { folder: resolve(folder), files } };
  },
};

interface Asset {
  readonly from: string;
  /** Below the site's folder. */
  readonly path: string;
}

function runtimeFiles(): Asset[] {
  const { resolve: find } = createRequire(import.meta.url);
  return ORT_FILES.map((name) => ({ from: find(`onnxruntime-web/${name}`), path: `ort/${name}` }));
}

async function modelFiles(): Promise<Asset[]> {
  const model = embeddedModel();
  const entries = await readdir(model, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((from) => ({
      from,
      path: `models/default/${from.slice(model.length + 1).replaceAll("\\", "/")}`,
    }));
}

/** Copies a file unless one of its size, and not older, is there. @throws UnmaskError `write-failed` */
async function copyWhenOther(from: string, to: string): Promise<boolean> {
  const [source, there] = await Promise.all([stat(from), stat(to).catch(() => undefined)]);
  if (there !== undefined && there.size === source.size && there.mtimeMs >= source.mtimeMs) return false;
  try {
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, to);
  } catch (cause) {
    throw new UnmaskError("write-failed", `Cannot write ${to}.`, { cause });
  }
  return true;
}
