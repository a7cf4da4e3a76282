import type { Manifest, ManifestFile } from "../../model/manifest.ts";
import { withLock } from "./locks.ts";
import { type ModelStore, storedBytes } from "./model-store.ts";
import { idOf, type ModelRecord, partialName, WRITING } from "./store-layout.ts";

/**
 * Writes the record of a model that is about to be fetched, so that its files belong to somebody.
 *
 * @returns a sentence when what is missing does not fit; then nothing is written
 */
export async function admit(
  store: ModelStore,
  address: string,
  manifest: Manifest,
  files: readonly ManifestFile[],
): Promise<string | undefined> {
  const { records } = store;
  const id = await idOf(address);
  const known = await records.get(id);
  const missing = missingBytes(files, await store.files.sizes());
  const room = missing === 0 ? undefined : await store.room();
  if (room !== undefined && missing > room) return fullSentence(store, id, manifest.name, missing, room);
  const used = Date.now();
  const record: ModelRecord = { ...known, id, address, manifest, added: known?.added ?? used, used };
  await withLock(WRITING, { mode: "shared" }, () => records.put(record));
  return undefined;
}

function missingBytes(files: readonly ManifestFile[], sizes: ReadonlyMap<string, number>): number {
  const missing = new Map(files.map(({ sha256, bytes }) => [sha256, bytes]));
  for (const [sha256, bytes] of missing) {
    missing.set(sha256, sizes.has(sha256) ? 0 : bytes - (sizes.get(partialName(sha256)) ?? 0));
  }
  return [...missing.values()].reduce((sum, bytes) => sum + Math.max(0, bytes), 0);
}

async function fullSentence(
  { files, records }: ModelStore,
  id: string,
  name: string,
  missing: number,
  room: number,
): Promise<string> {
  const sizes = await files.sizes();
  const oldest = leastRecent(await records.list(), id);
  const size = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const full = `${name} is not kept for the next visit: it needs ${size(missing)}, and this browser has ${size(room)} left for this site.`;
  if (oldest === undefined) return full;
  return `${full} Deleting ${oldest.manifest.name} (${size(storedBytes(oldest, sizes))}), which was used least recently, makes room.`;
}

/** The model to delete first when another one needs room. */
function leastRecent(records: readonly ModelRecord[], keep: string): ModelRecord | undefined {
  return records.filter(({ id }) => id !== keep).sort((a, b) => a.used - b.used)[0];
}
