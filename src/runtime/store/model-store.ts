import { type FileStore, fileStore } from "./file-store.ts";
import { ifUnlocked } from "./locks.ts";
import { type RecordBook, recordBook } from "./records.ts";
import { FILES, type ModelRecord, partialName, RECORDS, WRITING } from "./store-layout.ts";

/** Nobody goes on with a download after this long. */
const ABANDONED_MS = 30 * 86_400_000;

/** The models that this browser keeps: files by hash, and records that say which files make a model. */
export interface ModelStore {
  readonly files: FileStore;
  readonly records: RecordBook;
  /** Bytes that may still be written; undefined where the browser does not tell. */
  room(): Promise<number | undefined>;
  /**
   * Removes files that no record lists, and what is left of downloads that nobody went on with for a month, unless
   * somebody is adding files now. @returns their bytes
   */
  tidy(): Promise<number>;
}

/** The origin private file system; undefined where the browser has none or does not grant it. */
export async function openModelStore(): Promise<ModelStore | undefined> {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  if (storage?.getDirectory === undefined) return undefined;
  return modelStore(await storage.getDirectory(), async () => {
    const { quota, usage } = await storage.estimate();
    return quota === undefined || usage === undefined ? undefined : Math.max(0, quota - usage);
  });
}

/** A {@link ModelStore} in a directory, from a worker. */
export async function modelStore(
  root: FileSystemDirectoryHandle,
  room: ModelStore["room"],
): Promise<ModelStore> {
  const files = fileStore(await root.getDirectoryHandle(FILES, { create: true }));
  const records = recordBook(await root.getDirectoryHandle(RECORDS, { create: true }));
  return {
    files,
    records,
    room,
    async tidy() {
      let freed = 0;
      await ifUnlocked(WRITING, async () => {
        const known = await records.list();
        const recent = known.filter(({ used }) => Date.now() - used < ABANDONED_MS);
        const wanted = new Set([...known.flatMap(fileHashes), ...recent.flatMap(fileNames)]);
        const sizes = await files.sizes();
        for (const [name, bytes] of sizes) {
          if (wanted.has(name)) continue;
          await files.remove(name);
          freed += bytes;
        }
        for (const record of known) {
          if (!recent.includes(record) && storedBytes(record, sizes) === 0) await records.remove(record.id);
        }
      });
      return freed;
    },
  };
}

function fileHashes({ manifest }: ModelRecord): string[] {
  return manifest.files.map(({ sha256 }) => sha256);
}

/** What a model's files are called, complete or not. */
function fileNames(record: ModelRecord): string[] {
  return fileHashes(record).flatMap((sha256) => [sha256, partialName(sha256)]);
}

/** Bytes of a model's complete files, each hash once. */
export function storedBytes(record: ModelRecord, sizes: ReadonlyMap<string, number>): number {
  return [...new Set(fileHashes(record))].reduce((sum, sha256) => sum + (sizes.get(sha256) ?? 0), 0);
}

/**
 * Forgets a model and removes its files, but for those that another model needs.
 *
 * @returns bytes that were freed
 */
export async function forgetModel({ files, records }: ModelStore, id: string): Promise<number> {
  const record = await records.get(id);
  await records.remove(id);
  if (record === undefined) return 0;
  const kept = new Set((await records.list()).flatMap(fileNames));
  const sizes = await files.sizes();
  let freed = 0;
  for (const name of new Set(fileNames(record))) {
    if (kept.has(name) || !sizes.has(name)) continue;
    await files.remove(name);
    freed += sizes.get(name) ?? 0;
  }
  return freed;
}
