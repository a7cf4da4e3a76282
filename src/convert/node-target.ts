import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { UnmaskError } from "../core/errors.ts";
import type { BundleTarget } from "./bundle-target.ts";

/** What a bundle holds at its top. A folder with anything else in it is somebody's, whatever else it is. */
const BUNDLE_ENTRIES: ReadonlySet<string> = new Set([
  "unmask.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "onnx",
]);

/**
 * A bundle folder on disk, written beside its place and renamed into it.
 *
 * @throws UnmaskError `write-failed` when `path` is something other than a bundle or an empty folder, or the working
 *   directory
 */
export async function nodeTarget(path: string): Promise<BundleTarget> {
  const out = resolve(path);
  const existing = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new UnmaskError("write-failed", `${path} is not a folder.`, { cause: error });
  });
  if (existing !== undefined && existing.length > 0) {
    const strange = existing.find((name) => !BUNDLE_ENTRIES.has(name));
    if (!existing.includes("unmask.json")) {
      throw new UnmaskError("write-failed", `${path} exists and is not a bundle; it is left alone.`);
    }
    if (strange !== undefined) {
      throw new UnmaskError(
        "write-failed",
        `${path} holds ${strange} beside a bundle; it is left alone. Name another folder.`,
      );
    }
  }
  if (existing !== undefined && !relative(out, process.cwd()).startsWith("..")) {
    throw new UnmaskError("write-failed", `${path} is the folder you stand in; it cannot be replaced.`);
  }
  const staging = await writing(path, async () => {
    await mkdir(dirname(out), { recursive: true });
    const folder = await mkdtemp(join(dirname(out), `.${basename(out)}.partial-`));
    await chmod(folder, 0o755);
    return folder;
  });
  const discard = () => rm(staging, { recursive: true, force: true });
  return {
    write: (file, bytes) =>
      writing(path, async () => {
        await mkdir(dirname(join(staging, file)), { recursive: true });
        await writeFile(join(staging, file), bytes);
      }),
    commit: () =>
      writing(path, async () => {
        const old = `${staging}.old`;
        if (existing !== undefined) await rename(out, old);
        await rename(staging, out);
        await rm(old, { recursive: true, force: true });
      }),
    discard,
  };
}

async function writing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new UnmaskError("write-failed", `The bundle ${path} cannot be written: ${message}`, { cause });
  }
}
