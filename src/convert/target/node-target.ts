import { mkdir, open, readdir, readFile, rename, rm, rmdir, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { UnmaskError } from "../../core/errors.ts";
import { nodeFile } from "../checkpoint/node-folder.ts";
import type { AppendFile, FolderTarget } from "./bundle-target.ts";

/** What a bundle holds at its top. A folder with anything else in it is somebody's, whatever else it is. */
const BUNDLE_ENTRIES: ReadonlySet<string> = new Set([
  "unmask.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "onnx",
]);

const JOURNAL = "journal";
const LOCK = "lock";

/**
 * A bundle folder on disk, written into `.NAME.partial` beside its place and renamed into it. Nothing is made before the
 * first write.
 *
 * @param key what is converted and how; an unfinished run with the same key is gone on with, any other is replaced
 * @throws UnmaskError `write-failed` when `path` is something other than a bundle or an empty folder, or the working
 *   directory; `busy` while another process writes the same bundle
 */
export async function nodeTarget(path: string, key: string = crypto.randomUUID()): Promise<FolderTarget> {
  const out = resolve(path);
  const isReplaced = await checkPlace(path, out);
  const staging = join(dirname(out), `.${basename(out)}.partial`);
  await checkLock(path, staging);
  const journal = await readJournal(join(staging, JOURNAL), key);
  let made: string | undefined;
  let preparing: Promise<void> | undefined;
  let isDone = false;
  const prepare = (): Promise<void> => {
    preparing ??= (async () => {
      made = await mkdir(dirname(out), { recursive: true });
      if (journal === undefined) await rm(staging, { recursive: true, force: true });
      await mkdir(staging, { recursive: true });
      await writeFile(join(staging, LOCK), String(process.pid));
      if (journal === undefined) await writeFile(join(staging, JOURNAL), `${key}\n`);
    })();
    return preparing;
  };
  /** Prepares, then acts on a file of the staging folder. */
  const at = <T>(file: string, action: (place: string) => Promise<T>): Promise<T> =>
    writing(path, async () => {
      await prepare();
      const place = join(staging, file);
      await mkdir(dirname(place), { recursive: true });
      return action(place);
    });
  return {
    journal: journal ?? [],
    note: (line) => at(JOURNAL, (place) => writeFile(place, `${line}\n`, { flag: "a" })),
    write: (file, bytes) => at(file, (place) => writeFile(place, bytes)),
    append: (file) => at(file, (place) => openAppend(path, place)),
    open: (file) => at(file, nodeFile),
    commit: () =>
      at(JOURNAL, async (place) => {
        await rm(place);
        await rm(join(staging, LOCK));
        const old = `${staging}.old`;
        if (isReplaced) await rename(out, old);
        await rename(staging, out);
        isDone = true;
        await rm(old, { recursive: true, force: true });
      }),
    async discard() {
      if (isDone || (preparing === undefined && journal === undefined)) return;
      await rm(staging, { recursive: true, force: true });
      if (made !== undefined) await removeEmpty(dirname(out), made);
    },
    async leave() {
      await rm(join(staging, LOCK), { force: true });
      return !isDone && (preparing !== undefined || journal !== undefined);
    },
  };
}

/** True when there is a folder to be replaced. */
async function checkPlace(path: string, out: string): Promise<boolean> {
  const existing = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new UnmaskError("write-failed", `${path} is not a folder.`, { cause: error });
  });
  if (existing === undefined) return false;
  if (existing.length > 0) {
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
  if (!relative(out, process.cwd()).startsWith("..")) {
    throw new UnmaskError("write-failed", `${path} is the folder you stand in; it cannot be replaced.`);
  }
  return true;
}

/** A lock whose process has ended is none. */
async function checkLock(path: string, staging: string): Promise<void> {
  const text = await readFile(join(staging, LOCK), "utf8").catch(() => "");
  if (!/^\d{1,10}$/.test(text)) return;
  try {
    process.kill(Number(text), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return;
  }
  throw new UnmaskError("busy", `Another conversion (process ${text}) is writing ${path}.`, {
    detail: { process: Number(text) },
  });
}

/** Lines behind the key; undefined when there is no journal or it is of another conversion. */
async function readJournal(path: string, key: string): Promise<string[] | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const [first, ...lines] = text.split("\n");
  return first === key ? lines.filter((line) => line !== "") : undefined;
}

async function openAppend(path: string, place: string): Promise<AppendFile> {
  const file = await open(place, "a+");
  const { size } = await file.stat();
  return {
    bytes: size,
    read: (offset, length) =>
      writing(path, async () => {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      }),
    truncate: (bytes) => writing(path, () => truncate(place, bytes)),
    append: (bytes) => writing(path, () => file.appendFile(bytes)),
    close: () => file.close(),
  };
}

/** Removes `folder` and those above it that are empty, up to `last`. */
async function removeEmpty(folder: string, last: string): Promise<void> {
  try {
    await rmdir(folder);
    if (folder !== last) await removeEmpty(dirname(folder), last);
  } catch {
    // Something else stands in it by now.
  }
}

async function writing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new UnmaskError("write-failed", `The bundle ${path} cannot be written: ${message}`, { cause });
  }
}
