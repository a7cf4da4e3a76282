import { UnmaskError } from "../../core/errors.ts";
import type { LoadEvent } from "../../core/events.ts";
import { type Manifest, type ManifestFile, parseManifest } from "../../model/manifest.ts";
import { downloadFile } from "../store/download.ts";
import { openKeeping } from "../store/keeping.ts";
import type { ModelStore } from "../store/model-store.ts";
import type { BundleSource } from "../store/source.ts";

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
  readonly manifest: Manifest;
  readonly store: ModelStore | undefined;
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
  const { source, manifest, signal, warn } = options;
  const totalBytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const report = throttled(totalBytes, options.report);
  let phase: LoadEvent["phase"] = "verifying";
  let done = 0;
  const onBytes = (more: number) => {
    done += more;
    report(phase, done);
  };
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const keeping = await openKeeping(options.store, { address: source.name, manifest, files, signal, warn });
  const fetchOne = async (file: ManifestFile): Promise<Uint8Array<ArrayBuffer>> => {
    const stored = await keeping.stored(file);
    if (stored !== undefined) {
      onBytes(file.bytes);
      return stored;
    }
    phase = "downloading";
    report(phase, done);
    return keeping.fetch(file, either, onBytes, (keeper) =>
      downloadFile(source, file, either, onBytes, keeper),
    );
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
  await keeping.finish();
  return found;
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
