import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { UnmaskError } from "../core/errors.ts";
import type { BundleTarget } from "./bundle-target.ts";

/**
 * A bundle folder on disk, written beside its place and renamed into it.
 *
 * @throws UnmaskError `write-failed` when `path` is something other than a bundle or an empty folder.
 */
export async function nodeTarget(path: string): Promise<BundleTarget> {
  const out = resolve(path);
  const existing = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new UnmaskError("write-failed", `${path} is not a folder.`, { cause: error });
  });
  if (existing !== undefined && existing.length > 0 && !existing.includes("unmask.json")) {
    throw new UnmaskError("write-failed", `${path} exists and is not a bundle; it is left alone.`);
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
