import { UnmaskError } from "../../core/errors.ts";
import { runningSha256 } from "../../math/running-hash.ts";
import type { ManifestFile } from "../../model/manifest.ts";
import type { BundleSource } from "./source.ts";

/** Largest file taken into memory as one piece; bundles are cut into shards of at most 1 GB. */
const MAX_FILE_BYTES = 2 ** 31 - 1;
/** Up to here the hash of the whole file is checked as well. WebCrypto takes a copy of what it hashes in one go. */
const MAX_WHOLE_BYTES = 64 * 2 ** 20;

/** Where verified chunks are put as they arrive, so that a later visit can go on. Neither call fails. */
export interface ChunkKeeper {
  /** Copies what an earlier visit kept, from the beginning of the file; returns how many bytes. They are not verified. */
  restore(into: Uint8Array<ArrayBuffer>): number;
  keep(offset: number, bytes: Uint8Array<ArrayBuffer>): void;
}

export const NO_KEEPER: ChunkKeeper = { restore: () => 0, keep: () => {} };

/**
 * One file of a bundle, complete and verified. Chunks are hashed while later ones still arrive; the first wrong one
 * ends the download.
 *
 * @param onBytes called with the number of bytes that arrived since the last call
 * @throws UnmaskError `file-truncated`, `checksum-mismatch` (naming file and chunk), `out-of-memory`, and those of the source
 */
export async function downloadFile(
  source: BundleSource,
  file: ManifestFile,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
  keeper: ChunkKeeper = NO_KEEPER,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(file);
  let filled = await verifyKept(bytes, file, keeper.restore(bytes));
  if (filled > 0) onBytes(filled);
  let next = Math.ceil(filled / file.chunkBytes);
  let failure: unknown;
  const checks: Promise<void>[] = [];
  const check = (chunk: number) => {
    const { start, end } = extent(file, chunk);
    const pending = verifyChunk(bytes, file, chunk).then(() =>
      keeper.keep(start, bytes.subarray(start, end)),
    );
    pending.catch((error: unknown) => {
      failure ??= error;
    });
    checks.push(pending);
  };
  try {
    if (filled < file.bytes || file.bytes === 0) {
      for await (const part of source.read(file.path, signal, filled)) {
        if (failure !== undefined) throw failure;
        if (filled + part.length > file.bytes) throw tooLong(file);
        bytes.set(part, filled);
        filled += part.length;
        onBytes(part.length);
        const whole = filled === file.bytes ? file.chunks.length : Math.floor(filled / file.chunkBytes);
        while (next < whole) check(next++);
      }
    }
    if (filled < file.bytes) throw truncated(file, filled);
    if (file.bytes === 0) check(0);
    await Promise.all(checks);
    await verifyWhole(bytes, file);
    return bytes;
  } catch (error) {
    await Promise.allSettled(checks);
    throw error;
  }
}

/** How many of the first `kept` bytes are whole chunks with their hashes. */
async function verifyKept(bytes: Uint8Array<ArrayBuffer>, file: ManifestFile, kept: number): Promise<number> {
  let filled = 0;
  for (let chunk = 0; chunk < file.chunks.length && file.bytes > 0; chunk++) {
    const { start, end } = extent(file, chunk);
    if (end > kept) break;
    if ((await sha256(bytes.subarray(start, end))) !== file.chunks[chunk]) break;
    filled = end;
  }
  return filled;
}

/** Checks every chunk of a file already in memory. @throws UnmaskError `file-truncated`, `checksum-mismatch` */
export async function verifyFile(bytes: Uint8Array<ArrayBuffer>, file: ManifestFile): Promise<void> {
  if (bytes.length !== file.bytes) throw truncated(file, bytes.length);
  await Promise.all(file.chunks.map((_, chunk) => verifyChunk(bytes, file, chunk)));
}

function extent({ bytes, chunkBytes }: ManifestFile, chunk: number): { start: number; end: number } {
  const start = chunk * chunkBytes;
  return { start, end: Math.min(start + chunkBytes, bytes) };
}

async function verifyChunk(bytes: Uint8Array<ArrayBuffer>, file: ManifestFile, chunk: number): Promise<void> {
  const { start, end } = extent(file, chunk);
  if ((await sha256(bytes.subarray(start, end))) === file.chunks[chunk]) return;
  throw new UnmaskError(
    "checksum-mismatch",
    `${file.path} is damaged: chunk ${chunk + 1} of ${file.chunks.length} does not have the hash that unmask.json states.`,
    { detail: { path: file.path, chunk } },
  );
}

async function verifyWhole(bytes: Uint8Array<ArrayBuffer>, file: ManifestFile): Promise<void> {
  if (bytes.length > MAX_WHOLE_BYTES || (await sha256(bytes)) === file.sha256) return;
  throw new UnmaskError(
    "checksum-mismatch",
    `${file.path} is damaged: it does not have the SHA-256 that unmask.json states.`,
    { detail: { path: file.path } },
  );
}

/** Lower-case hex. Pages without WebCrypto (plain http, frames of no origin) compute it themselves, some times slower. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) {
    const hash = runningSha256();
    hash.update(bytes);
    return hash.digest();
  }
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function allocate({ path, bytes }: ManifestFile): Uint8Array<ArrayBuffer> {
  try {
    if (bytes <= MAX_FILE_BYTES) return new Uint8Array(bytes);
  } catch {
    // the same answer as for a file beyond the limit
  }
  throw new UnmaskError("out-of-memory", `${path} needs ${(bytes / 1e9).toFixed(1)} GB of memory.`, {
    detail: { path, bytes },
  });
}

function truncated({ path, bytes: expectedBytes }: ManifestFile, bytes: number): UnmaskError {
  return new UnmaskError(
    "file-truncated",
    `${path} ends after ${bytes} of ${expectedBytes} bytes; try again, or get the bundle anew.`,
    { detail: { path, bytes, expectedBytes } },
  );
}

function tooLong({ path, bytes }: ManifestFile): UnmaskError {
  return new UnmaskError(
    "checksum-mismatch",
    `${path} is longer than the ${bytes} bytes that unmask.json states.`,
    {
      detail: { path, expectedBytes: bytes },
    },
  );
}
