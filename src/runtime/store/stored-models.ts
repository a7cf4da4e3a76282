import { UnmaskError } from "../../core/errors.ts";
import type { StoreApi, StoredModel, StoreProgress, Verification } from "../../store-protocol.ts";
import { packModel, unpackModel } from "./archive.ts";
import { chunksMatch, isUsable } from "./check-files.ts";
import { forgetModel, type ModelStore, openModelStore, storedBytes } from "./model-store.ts";
import { idOf, localId, type ModelRecord } from "./store-layout.ts";

/** The storage worker's side of {@link StoreApi}. @param open the store, undefined where nothing is kept */
export function storedModels(open: () => Promise<ModelStore | undefined> = openModelStore): StoreApi {
  const store = async (): Promise<ModelStore> => {
    const found = await open().catch((cause: unknown) => {
      throw new UnmaskError("storage-failed", "This browser does not let this site keep files.", { cause });
    });
    if (found === undefined) throw new UnmaskError("storage-failed", "This browser cannot keep models.");
    return found;
  };
  const find = async (id: string) => {
    const opened = await store();
    const record = await opened.records.get(id);
    if (record === undefined) throw new UnmaskError("not-found", "This browser no longer has the model.");
    return { store: opened, record };
  };
  return {
    async list() {
      const opened = await store();
      await opened.tidy();
      const sizes = await opened.files.sizes();
      const records = (await opened.records.list()).sort((a, b) => b.used - a.used);
      const { usage, quota } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
      return {
        models: records.map((record) => summaryOf(record, sizes)),
        ...(usage === undefined ? {} : { usage }),
        ...(quota === undefined ? {} : { quota }),
      };
    },
    async verify(id, report) {
      const { store, record } = await find(id);
      return verifyFiles(store, record, report);
    },
    async keepTemplate(address, template) {
      const { records } = await store();
      const record = await records.get(await idOf(address));
      if (record === undefined) return false;
      const { template: _, ...rest } = record;
      await records.put(template === undefined ? rest : { ...rest, template });
      return true;
    },
    remove: async (id) => forgetModel(await store(), id),
    async pack(id) {
      const { store, record } = await find(id);
      return packModel(store, record);
    },
    async unpack(archive, report) {
      const opened = await store();
      const record = await unpackModel(opened, archive, report);
      return summaryOf(record, await opened.files.sizes());
    },
  };
}

function summaryOf(record: ModelRecord, sizes: ReadonlyMap<string, number>): StoredModel {
  const { id, address, manifest, used } = record;
  return {
    id,
    address,
    name: manifest.name,
    licence: manifest.licence,
    bytes: storedBytes(record, sizes),
    complete: isUsable(manifest, ({ sha256 }) => sizes.has(sha256)),
    local: localId(address) !== undefined,
    used,
  };
}

async function verifyFiles(
  { files }: ModelStore,
  { manifest }: ModelRecord,
  report: StoreProgress,
): Promise<Verification> {
  const sizes = await files.sizes();
  const there = manifest.files.filter(({ sha256 }) => sizes.has(sha256));
  const total = there.reduce((sum, file) => sum + file.bytes, 0);
  const damaged: string[] = [];
  let done = 0;
  for (const entry of there) {
    const file = await files.find(entry.sha256);
    const right =
      file !== undefined && (await chunksMatch(file, entry, (bytes) => report(done + bytes, total)));
    if (!right) {
      await files.remove(entry.sha256);
      damaged.push(entry.path);
    }
    done += entry.bytes;
  }
  const lost = there.filter(({ path }) => damaged.includes(path));
  return { bytes: total - lost.reduce((sum, file) => sum + file.bytes, 0), damaged };
}
