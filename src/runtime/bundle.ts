import { UnmaskError } from "../core/errors.ts";
import type { LoadEvent } from "../core/events.ts";
import { type Manifest, type ManifestFile, parseManifest } from "../model/manifest.ts";
import { downloadFile, verifyFile } from "./download.ts";
import type { BundleSource } from "./source.ts";
import type { FileStore, PartialFile } from "./store.ts";

const MANIFEST = "unmask.json";
const MAX_MANIFEST_BYTES = 16_000_000;
/** At most this many progress events a second cross the thread. */
const REPORTS_PER_SECOND = 20;

/** @throws UnmaskError `not-found`, `download-failed`, `manifest-invalid`, `manifest-version` */
export async function readManifest(source: BundleSource, signal: AbortSignal): Promise<Manifest> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const part of source.read(MANIFEST, signal)) {
    bytes += part.length;
    if (bytes > MAX_MANIFEST_BYTES)
      throw new UnmaskError("manifest-invalid", `${MANIFEST} is larger than 16 MB.`);
    text += decoder.decode(part, { stream: true });
  }
  return parseManifest(parseJson(text + decoder.decode(), `${source.name} ${MANIFEST}`));
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = text.trimStart().startsWith("<")
      ? "a web page instead of a bundle"
      : "text that is not JSON";
    throw new UnmaskError("manifest-invalid", `${where}: the address answers with ${what}.`, { cause });
  }
}

export interface FetchOptions {
  readonly source: BundleSource;
  readonly store: FileStore | undefined;
  readonly signal: AbortSignal;
  report(event: LoadEvent): void;
  warn(code: string, message: string): void;
}

/** Files on their way at a time: a bundle is a few small files and a large one, and each request costs a round trip. */
const PARALLEL = 4;

/**
 * The named files of a bundle, verified, from the store where they are and from the source otherwise. The first failure
 * ends the other transfers; what they kept stays for the next visit.
 *
 * @throws UnmaskError
 */
export async function fetchFiles(
  files: readonly ManifestFile[],
  options: FetchOptions,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { source, signal, warn } = options;
  const totalBytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const report = throttled(totalBytes, options.report);
  let phase: LoadEvent["phase"] = "verifying";
  let done = 0;
  const onBytes = (more: number) => {
    done += more;
    report(phase, done);
  };
  let store = options.store;
  const setAside = (cause: unknown) => {
    if (store === undefined) return;
    store = undefined;
    warn("storage-failed", `The browser does not keep the model for the next visit: ${String(cause)}`);
  };
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const fetchOne = async (file: ManifestFile): Promise<Uint8Array<ArrayBuffer>> => {
    const stored = await fromStore(store, file).catch(setAside);
    if (stored !== undefined) {
      onBytes(file.bytes);
      return stored;
    }
    phase = "downloading";
    report(phase, done);
    const keeper = keeperOf((await store?.begin(file.sha256).catch(setAside)) ?? undefined, setAside);
    try {
      const bytes = await downloadFile(source, file, either, onBytes, keeper);
      await keeper.commit(file.bytes);
      return bytes;
    } finally {
      keeper.close();
    }
  };
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  const queue = files.values();
  const runs = Array.from({ length: PARALLEL }, async () => {
    for (const file of queue) {
      if (either.aborted) throw new UnmaskError("aborted", "Loading the model was stopped.");
      found.set(file.path, await fetchOne(file));
    }
  });
  try {
    await Promise.all(runs);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(runs);
    throw error;
  }
  report("verifying", totalBytes);
  return found;
}

/** A partial file whose failures end the keeping and nothing else. */
function keeperOf(partial: PartialFile | undefined, setAside: (cause: unknown) => void) {
  let open = partial;
  const close = () => {
    open?.close();
    open = undefined;
  };
  const fail = (cause: unknown) => {
    setAside(cause);
    try {
      close();
    } catch {
      // It is already broken and said so.
    }
  };
  return {
    restore(into: Uint8Array<ArrayBuffer>): number {
      try {
        return open?.restore(into) ?? 0;
      } catch (cause) {
        fail(cause);
        return 0;
      }
    },
    keep(offset: number, bytes: Uint8Array<ArrayBuffer>) {
      try {
        open?.write(offset, bytes);
      } catch (cause) {
        fail(cause);
      }
    },
    async commit(bytes: number) {
      const last = open;
      open = undefined;
      await last?.commit(bytes).catch(setAside);
    },
    close,
  };
}

/** A stored file that no longer has its hash is forgotten and downloaded again. */
async function fromStore(store: FileStore | undefined, file: ManifestFile) {
  const bytes = await store?.get(file.sha256);
  if (bytes === undefined) return undefined;
  try {
    await verifyFile(bytes, file);
    return bytes;
  } catch {
    await store?.remove(file.sha256);
    return undefined;
  }
}

function throttled(totalBytes: number, report: (event: LoadEvent) => void) {
  let last: LoadEvent["phase"] | undefined;
  let due = 0;
  return (phase: LoadEvent["phase"], bytes: number) => {
    const now = performance.now();
    if (phase === last && now < due && bytes < totalBytes) return;
    last = phase;
    due = now + 1000 / REPORTS_PER_SECOND;
    report({ phase, bytes, totalBytes });
  };
}
