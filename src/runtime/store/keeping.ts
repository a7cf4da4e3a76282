import { UnmaskError } from "../../core/errors.ts";
import type { Manifest, ManifestFile } from "../../model/manifest.ts";
import { admit } from "./admit.ts";
import { type ChunkKeeper, NO_KEEPER, verifyFile } from "./download.ts";
import { keeperOf } from "./file-keeper.ts";
import type { FileStore } from "./file-store.ts";
import { withLock } from "./locks.ts";
import type { ModelStore } from "./model-store.ts";
import { partialName, writerOf } from "./store-layout.ts";

/** What a load keeps of its bundle. A failure of the storage ends the keeping, with a warning, and nothing else. */
export interface Keeping {
  /** A stored file, verified. One that no longer has its hashes is forgotten. */
  stored(file: ManifestFile): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * The file through `download`, kept as it arrives. One tab of the origin fetches a file, the others wait for it and
   * take it from the store.
   *
   * @param onBytes hears of what another tab fetches, too
   */
  fetch(
    file: ManifestFile,
    signal: AbortSignal,
    onBytes: (bytes: number) => void,
    download: (keeper: ChunkKeeper) => Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** All files are there: removes what belongs to no model. */
  finish(): Promise<void>;
}

export interface KeepingOptions {
  /** Of the bundle; see `ModelRecord`. */
  readonly address: string;
  readonly manifest: Manifest;
  /** Those of its files that this load needs. */
  readonly files: readonly ManifestFile[];
  readonly signal: AbortSignal;
  warn(code: string, message: string): void;
}

/** How often a waiting tab looks how far the other one is. */
const LOOK_MS = 250;

export async function openKeeping(
  store: ModelStore | undefined,
  { address, manifest, files, signal, warn }: KeepingOptions,
): Promise<Keeping> {
  let open = store;
  const setAside = (cause: unknown): undefined => {
    if (open === undefined) return;
    open = undefined;
    warn("storage-failed", `The browser does not keep the model for the next visit: ${String(cause)}`);
  };
  const full = open === undefined ? undefined : await admit(open, address, manifest, files).catch(setAside);
  if (full !== undefined) warn("storage-full", full);
  const stored = (file: ManifestFile) => fromStore(open?.files, file).catch(setAside);
  return {
    stored,
    async fetch(file, either, onBytes, download) {
      if (open === undefined || full !== undefined) return download(NO_KEEPER);
      const { files } = open;
      const others = watchOther(files, file, onBytes);
      const turn = async () => {
        others.end();
        // Another tab may have fetched it in the meantime.
        const theirs = await stored(file);
        if (theirs !== undefined) {
          onBytes(file.bytes);
          return theirs;
        }
        const keeper = keeperOf(await open?.files.begin(file.sha256).catch(setAside), setAside);
        try {
          const bytes = await download(keeper);
          await keeper.commit(file.bytes);
          return bytes;
        } finally {
          keeper.close();
        }
      };
      try {
        return await withLock(writerOf(file.sha256), { signal: either }, turn);
      } catch (error) {
        if (signal.aborted) throw new UnmaskError("aborted", "Loading the model was stopped.");
        throw error;
      } finally {
        others.end();
      }
    },
    async finish() {
      await open?.tidy().catch(setAside);
    },
  };
}

/** Tells how far another tab is with a file until `end`, which takes back what was told. */
function watchOther(files: FileStore, { sha256 }: ManifestFile, onBytes: (bytes: number) => void) {
  let told = 0;
  const timer = setInterval(async () => {
    const bytes = (await files.sizes().catch(() => undefined))?.get(partialName(sha256)) ?? told;
    if (ended || bytes <= told) return;
    onBytes(bytes - told);
    told = bytes;
  }, LOOK_MS);
  let ended = false;
  return {
    end() {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      if (told > 0) onBytes(-told);
    },
  };
}

/** A stored file that no longer has its hash is forgotten and downloaded again. */
async function fromStore(files: FileStore | undefined, file: ManifestFile) {
  const found = await files?.find(file.sha256);
  if (found === undefined) return undefined;
  try {
    if (found.size !== file.bytes) throw new Error("the stored file has another length");
    const bytes = new Uint8Array(await found.arrayBuffer());
    await verifyFile(bytes, file);
    return bytes;
  } catch {
    await files?.remove(file.sha256);
    return undefined;
  }
}
