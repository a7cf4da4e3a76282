import { toUnmaskError, UnmaskError } from "../../core/errors.ts";
import { withLock } from "../../runtime/store/locks.ts";
import { isNotFound, type SyncAccess, type WorkerFileHandle } from "../../runtime/store/opfs.ts";
import { recordBook } from "../../runtime/store/records.ts";
import {
  FILES,
  idOfManifest,
  localAddress,
  RECORDS,
  STAGING,
  WRITING,
} from "../../runtime/store/store-layout.ts";
import { blobSource } from "../checkpoint/byte-source.ts";
import type { AppendFile, BundleTarget } from "./bundle-target.ts";

const JOURNAL = "journal";
const ABOUT = "about";

/**
 * A bundle in the origin private file system (src/runtime/store/store-layout.ts), from a worker: written into
 * `unmask-staging/<key>`; on commit its files move to where loads look for them, and a record makes it a model of this
 * browser, to be opened by `opfs:<id>`. Nothing is made before the first write.
 *
 * @param root of the file system
 * @param key what is converted and how, fit for a file name; an unfinished run with the same key is gone on with
 * @param about kept with an unfinished run, for whoever lists them
 * @throws UnmaskError `busy` while another tab converts the same; `storage-failed` when the browser refuses or is full
 */
export async function opfsTarget(
  root: FileSystemDirectoryHandle,
  key: string,
  about = "",
): Promise<BundleTarget> {
  const release = await hold(`unmask-convert-${key}`);
  const journal = await readJournal(root, key);
  let staging: Promise<FileSystemDirectoryHandle> | undefined;
  let isDone = false;
  const inStaging = async (path: string): Promise<WorkerFile> => {
    staging ??= prepare(root, key, about);
    const parts = path.split("/");
    const name = parts.pop() ?? "";
    const folder = await folderAt(await staging, parts);
    return (await folder.getFileHandle(name, { create: true })) as WorkerFile;
  };
  const discard = async () => {
    const all = await stagingOf(root);
    await all?.removeEntry(key, { recursive: true }).catch(ignoreNotFound);
  };
  return {
    journal: journal ?? [],
    note: (line) => storing(async () => put(await inStaging(JOURNAL), encode(`${line}\n`), "append")),
    write: (path, bytes) => storing(async () => put(await inStaging(path), bytes, "replace")),
    append: (path) => storing(async () => openAppend(await (await inStaging(path)).createSyncAccessHandle())),
    open: (path) => storing(async () => blobSource(await (await inStaging(path)).getFile(), path)),
    commit: (manifest) =>
      storing(async () => {
        const files = await folderAt(root, [FILES]);
        const records = recordBook(await folderAt(root, [RECORDS]));
        await withLock(WRITING, { mode: "shared" }, async () => {
          for (const { path, sha256 } of manifest.files) {
            await (await inStaging(path)).move(files, sha256);
          }
          const id = await idOfManifest(manifest);
          const now = Date.now();
          const known = await records.get(id);
          await records.put({ ...known, id, address: localAddress(id), manifest, added: now, used: now });
        });
        isDone = true;
        await discard();
        release();
      }),
    async discard() {
      if (!isDone) await storing(discard);
      release();
    },
    async leave() {
      release();
      return !isDone && (staging !== undefined || journal !== undefined);
    },
  };
}

/** A conversion that was cut off. */
export interface Unfinished {
  readonly key: string;
  /** What {@link opfsTarget} was told about it. */
  readonly about: string;
  readonly bytes: number;
}

export async function listUnfinished(root: FileSystemDirectoryHandle): Promise<Unfinished[]> {
  const found: Unfinished[] = [];
  const all = await stagingOf(root);
  for await (const [key, handle] of all?.entries() ?? []) {
    if (handle.kind !== "directory") continue;
    const folder = handle as FileSystemDirectoryHandle;
    const about = (await textOf(folder, ABOUT)) ?? "";
    found.push({ key, about, bytes: await bytesIn(folder) });
  }
  return found;
}

/** Removes an unfinished conversion. @throws UnmaskError `busy` while a tab works on it */
export async function removeUnfinished(root: FileSystemDirectoryHandle, key: string): Promise<void> {
  const target = await opfsTarget(root, key);
  await target.discard();
}

type WorkerFile = FileSystemFileHandle & WorkerFileHandle;

async function folderAt(
  root: FileSystemDirectoryHandle,
  names: readonly string[],
): Promise<FileSystemDirectoryHandle> {
  let folder = root;
  for (const name of names) folder = await folder.getDirectoryHandle(name, { create: true });
  return folder;
}

async function put(handle: WorkerFile, bytes: Uint8Array, how: "append" | "replace"): Promise<void> {
  const file = openAppend(await handle.createSyncAccessHandle());
  try {
    if (how === "replace") await file.truncate(0);
    await file.append(bytes);
  } finally {
    await file.close();
  }
}

function openAppend(access: SyncAccess): AppendFile {
  const bytes = access.getSize();
  let end = bytes;
  return {
    bytes,
    read: async (offset, length) => {
      const part = new Uint8Array(length);
      return part.subarray(0, access.read(part, { at: offset }));
    },
    truncate: async (to) => {
      access.truncate(to);
      end = to;
    },
    append: (part) =>
      storing(async () => {
        const written = access.write(part, { at: end });
        end += written;
        if (written < part.length) throw new DOMException("there is no room left", "QuotaExceededError");
      }),
    close: async () => {
      access.flush();
      access.close();
    },
  };
}

/** Lines of an unfinished run; undefined when there is none. */
async function readJournal(root: FileSystemDirectoryHandle, key: string): Promise<string[] | undefined> {
  const folder = await (await stagingOf(root))?.getDirectoryHandle(key).catch(ignoreNotFound);
  const text = folder && (await textOf(folder, JOURNAL));
  return text?.split("\n").filter((line) => line !== "");
}

async function prepare(root: FileSystemDirectoryHandle, key: string, about: string) {
  const folder = await folderAt(root, [STAGING, key]);
  await put((await folder.getFileHandle(ABOUT, { create: true })) as WorkerFile, encode(about), "replace");
  return folder;
}

async function textOf(folder: FileSystemDirectoryHandle, name: string): Promise<string | undefined> {
  const handle = await folder.getFileHandle(name).catch(ignoreNotFound);
  return handle && (await (await handle.getFile()).text());
}

async function stagingOf(root: FileSystemDirectoryHandle): Promise<FileSystemDirectoryHandle | undefined> {
  return root.getDirectoryHandle(STAGING).catch(ignoreNotFound);
}

async function bytesIn(folder: FileSystemDirectoryHandle): Promise<number> {
  let bytes = 0;
  for await (const handle of folder.values()) {
    bytes +=
      handle.kind === "file"
        ? (await (handle as FileSystemFileHandle).getFile()).size
        : await bytesIn(handle as FileSystemDirectoryHandle);
  }
  return bytes;
}

/** Takes the lock or says that somebody has it. A tab that is killed lets go of it. */
async function hold(name: string): Promise<() => void> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  if (locks === undefined) return () => {};
  return new Promise((resolve, reject) => {
    const held = locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock === null) throw new UnmaskError("busy", "Another tab of this site is converting this model.");
      return new Promise<void>((release) => resolve(release));
    });
    held.catch(reject);
  });
}

function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

async function storing<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (!(cause instanceof DOMException)) throw toUnmaskError(cause);
    const full = cause.name === "QuotaExceededError";
    const what = full ? "There is no room left for this site" : `The browser refuses (${cause.name})`;
    throw new UnmaskError("storage-failed", `The model cannot be stored: ${what}.`, { cause });
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
