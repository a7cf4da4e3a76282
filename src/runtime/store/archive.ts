import { toUnmaskError, UnmaskError } from "../../core/errors.ts";
import { type Manifest, type ManifestFile, parseManifest } from "../../model/manifest.ts";
import type { StoreProgress } from "../../store-protocol.ts";
import { chunksMatch, isUsable } from "./check-files.ts";
import { sha256 } from "./download.ts";
import { withLock } from "./locks.ts";
import type { ModelStore } from "./model-store.ts";
import {
  idOfManifest,
  localAddress,
  MAX_TEMPLATE_CHARS,
  type ModelRecord,
  partialName,
  WRITING,
  writerOf,
} from "./store-layout.ts";
import { BLOCK_BYTES, readTar, type TarEntry, tarHeader, tarPadding } from "./tar.ts";

const MANIFEST = "unmask.json";
const MAX_MANIFEST_BYTES = 16_000_000;
/** Of a chunk, which is hashed in memory. */
const MAX_CHUNK_BYTES = 64 * 2 ** 20;

/** A chat template of the user's in an archive; no file of the bundle. */
const TEMPLATE = "user_template.jinja";

/** The stored files of a model as a tar archive of its bundle's folder, manifest first. Nothing is read yet. */
export async function packModel({ files }: ModelStore, { manifest, template }: ModelRecord): Promise<Blob> {
  const text = new TextEncoder().encode(`${JSON.stringify(manifest)}\n`);
  const parts: BlobPart[] = [];
  const add = (name: string, content: Blob | Uint8Array<ArrayBuffer>, bytes: number) =>
    parts.push(tarHeader(name, bytes), content, new Uint8Array(tarPadding(bytes)));
  add(MANIFEST, text, text.length);
  if (template !== undefined) {
    const bytes = new TextEncoder().encode(template);
    add(TEMPLATE, bytes, bytes.length);
  }
  for (const { path, sha256, bytes } of manifest.files) {
    const file = await files.find(sha256);
    if (file !== undefined) add(path, file, bytes);
  }
  return new Blob([...parts, new Uint8Array(2 * BLOCK_BYTES)], { type: "application/x-tar" });
}

/**
 * Takes a packed model in. Its manifest says which files there may be, how long they are and which hashes they have;
 * whatever differs is refused, and nothing of it remains.
 *
 * @throws UnmaskError see `StoreApi.unpack`
 */
export async function unpackModel(
  store: ModelStore,
  archive: Blob,
  report: StoreProgress,
): Promise<ModelRecord> {
  const entries = await readTar(archive);
  const manifest = await readManifest(archive, entries);
  const content = match(manifest, entries);
  const template = await readTemplate(archive, entries);
  const { files, records } = store;
  const total = content.reduce((sum, { file }) => sum + file.bytes, 0);
  const room = await store.room();
  if (room !== undefined && total > room) throw noRoom(manifest.name, total, room);
  const id = await idOfManifest(manifest);
  const known = await records.get(id);
  const added: string[] = [];
  return withLock(WRITING, { mode: "shared" }, async () => {
    try {
      let done = 0;
      for (const { file, entry } of content) {
        const bytes = archive.slice(entry.offset, entry.offset + entry.bytes);
        const onBytes = (count: number) => report(done + count, total);
        const taken = () => takeIn(store, file, bytes, onBytes);
        if (await withLock(writerOf(file.sha256), {}, taken)) added.push(file.sha256);
        done += file.bytes;
      }
      const used = Date.now();
      const address = localAddress(id);
      const given = template === undefined ? {} : { template };
      const record = { ...known, id, address, manifest, added: known?.added ?? used, used, ...given };
      await records.put(record);
      return record;
    } catch (error) {
      for (const sha256 of added) await files.remove(sha256);
      throw toUnmaskError(error, "storage-failed");
    }
  });
}

async function readManifest(archive: Blob, entries: readonly TarEntry[]): Promise<Manifest> {
  const entry = entries.find(({ name }) => name === MANIFEST);
  if (entry === undefined) throw refused(`it has no ${MANIFEST}`);
  if (entry.bytes > MAX_MANIFEST_BYTES) throw refused(`its ${MANIFEST} is larger than 16 MB`);
  const text = await archive.slice(entry.offset, entry.offset + entry.bytes).text();
  try {
    return parseManifest(JSON.parse(text));
  } catch (error) {
    throw error instanceof SyntaxError ? refused(`its ${MANIFEST} is not JSON`) : error;
  }
}

async function readTemplate(archive: Blob, entries: readonly TarEntry[]): Promise<string | undefined> {
  const entry = entries.find(({ name }) => name === TEMPLATE);
  if (entry === undefined) return undefined;
  if (entry.bytes > MAX_TEMPLATE_CHARS) throw refused("its chat template is larger than 1 MB");
  return archive.slice(entry.offset, entry.offset + entry.bytes).text();
}

/** The entries beside the manifest with what it says about them. */
function match(manifest: Manifest, entries: readonly TarEntry[]) {
  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  if (listed.size < manifest.files.length) throw refused("its manifest lists a file twice");
  const content = entries
    .filter(({ name }) => name !== MANIFEST && name !== TEMPLATE)
    .map((entry) => {
      const file = listed.get(entry.name);
      if (file === undefined) throw refused(`${entry.name} is not listed in its manifest`);
      if (file.bytes !== entry.bytes) {
        throw new UnmaskError(
          "file-truncated",
          `${entry.name} has ${entry.bytes} bytes in the archive, and ${file.bytes} in its manifest.`,
        );
      }
      if (file.chunkBytes > MAX_CHUNK_BYTES)
        throw refused(`the chunks of ${entry.name} are too large to check`);
      return { file, entry };
    });
  const there = new Set(content.map(({ file }) => file.path));
  if (!isUsable(manifest, ({ path }) => there.has(path))) throw refused("it does not hold a whole model");
  return content;
}

/**
 * Writes a file of an archive, each chunk after its hash was found right.
 *
 * @returns false when the store had it already
 */
async function takeIn(
  { files, records }: ModelStore,
  file: ManifestFile,
  bytes: Blob,
  onBytes: (count: number) => void,
): Promise<boolean> {
  const there = await files.find(file.sha256);
  if (there !== undefined) {
    if (await chunksMatch(there, file, onBytes)) return false;
    const owners = await records.list();
    if (owners.some(({ manifest }) => manifest.files.some(({ sha256 }) => sha256 === file.sha256))) {
      throw mismatch(file, "another model has a different file by the same name");
    }
  }
  const partial = await files.begin(file.sha256);
  if (partial === undefined)
    throw new UnmaskError("busy", "Another tab is fetching this model. Try again later.");
  let closed = false;
  try {
    for (const [i, hash] of file.chunks.entries()) {
      const start = i * file.chunkBytes;
      const part = await bytes.slice(start, Math.min(file.bytes, start + file.chunkBytes)).arrayBuffer();
      const chunk = new Uint8Array(part);
      if ((await sha256(chunk)) !== hash)
        throw mismatch(file, `chunk ${i + 1} of ${file.chunks.length} is damaged`);
      partial.write(start, chunk);
      onBytes(start + chunk.length);
    }
    closed = true;
    await partial.commit(file.bytes);
    return true;
  } catch (error) {
    if (!closed) partial.close();
    await files.remove(partialName(file.sha256));
    throw error;
  }
}

function noRoom(name: string, bytes: number, room: number): UnmaskError {
  const size = (value: number) => `${(value / 1e6).toFixed(1)} MB`;
  return new UnmaskError(
    "storage-failed",
    `${name} needs ${size(bytes)}, and this browser has ${size(room)} left for this site. Delete a model first.`,
  );
}

function mismatch({ path }: ManifestFile, why: string): UnmaskError {
  return new UnmaskError("checksum-mismatch", `${path} cannot be imported: ${why}.`, { detail: { path } });
}

function refused(why: string): UnmaskError {
  return new UnmaskError("manifest-invalid", `This file cannot be imported: ${why}.`);
}
