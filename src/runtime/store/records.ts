import { isNotFound, type WorkerFileHandle } from "./opfs.ts";
import { formatRecord, type ModelRecord, parseRecord } from "./store-layout.ts";

/** The records of stored models (store-layout.ts) in one directory. */
export interface RecordBook {
  /** Every record that can be read; one that cannot is nobody's. */
  list(): Promise<ModelRecord[]>;
  get(id: string): Promise<ModelRecord | undefined>;
  /** Writes a record, or replaces it as a whole. */
  put(record: ModelRecord): Promise<void>;
  remove(id: string): Promise<void>;
}

/** Larger than any manifest that is accepted. */
const MAX_RECORD_BYTES = 32_000_000;

export function recordBook(folder: FileSystemDirectoryHandle): RecordBook {
  const read = async (name: string): Promise<ModelRecord | undefined> => {
    try {
      const file = await (await folder.getFileHandle(name)).getFile();
      const record = file.size > MAX_RECORD_BYTES ? undefined : parseRecord(await file.text());
      return record !== undefined && fileName(record.id) === name ? record : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    async list() {
      const names: string[] = [];
      for await (const name of folder.keys()) if (name.endsWith(".json")) names.push(name);
      const records = await Promise.all(names.sort().map(read));
      return records.filter((record) => record !== undefined);
    },
    get: (id) => read(fileName(id)),
    async put(record) {
      const handle = await folder.getFileHandle(fileName(record.id), { create: true });
      const text = formatRecord(record);
      if (!("createWritable" in handle)) return writeInPlace(handle, text);
      // What was written takes the place of the old content when it is closed, not before.
      const writable = await handle.createWritable();
      await writable.write(text);
      await writable.close();
    },
    async remove(id) {
      await folder.removeEntry(fileName(id)).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    },
  };
}

/** For Safari before 26; a tab that is killed in these microseconds loses the record. */
async function writeInPlace(handle: FileSystemFileHandle, text: string): Promise<void> {
  const access = await (handle as unknown as WorkerFileHandle).createSyncAccessHandle();
  try {
    access.truncate(0);
    access.write(new TextEncoder().encode(text), { at: 0 });
    access.flush();
  } finally {
    access.close();
  }
}

function fileName(id: string): string {
  return `${id}.json`;
}
