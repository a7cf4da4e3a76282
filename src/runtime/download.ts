import { UnmaskError } from "../core/errors.ts";
import type { ManifestFile } from "../model/manifest.ts";
import type { BundleSource } from "./source.ts";

/** Largest file taken into memory as one piece; bundles are cut into shards of at most 1 GB. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * One file of a bundle, complete and verified. Chunks are hashed while later ones still arrive.
 *
 * @param onBytes called with the number of bytes that arrived since the last call
 * @throws UnmaskError `file-truncated`, `checksum-mismatch` (naming file and chunk), `out-of-memory`, and those of the source
 */
export async function downloadFile(
  source: BundleSource,
  file: ManifestFile,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(file);
  const checks: Promise<void>[] = [];
  const check = (chunk: number) => {
    const pending = verifyChunk(bytes, file, chunk);
    pending.catch(() => {}); // Awaited at the end; it may fail before.
    checks.push(pending);
  };
  let filled = 0;
  try {
    for await (const part of source.read(file.path, signal)) {
      if (filled + part.length > file.bytes) throw tooLong(file);
      bytes.set(part, filled);
      filled += part.length;
      onBytes(part.length);
      const whole = filled === file.bytes ? file.chunks.length : Math.floor(filled / file.chunkBytes);
      while (checks.length < whole) check(checks.length);
    }
    if (filled < file.bytes) {
      throw new UnmaskError(
        "file-truncated",
        `${file.path} ends after ${filled} of ${file.bytes} bytes; try again, or get the bundle anew.`,
        { detail: { path: file.path, bytes: filled, expectedBytes: file.bytes } },
      );
    }
    if (file.bytes === 0) check(0);
    await Promise.all(checks);
    return bytes;
  } catch (error) {
    await Promise.allSettled(checks);
    throw error;
  }
}

/** Checks every chunk of a file already in memory. @throws UnmaskError `file-truncated`, `checksum-mismatch` */
export async function verifyFile(bytes: Uint8Array<ArrayBuffer>, file: ManifestFile): Promise<void> {
  if (bytes.length !== file.bytes) {
    throw new UnmaskError("file-truncated", `${file.path} has ${bytes.length} of ${file.bytes} bytes.`);
  }
  await Promise.all(file.chunks.map((_, chunk) => verifyChunk(bytes, file, chunk)));
}

async function verifyChunk(bytes: Uint8Array<ArrayBuffer>, file: ManifestFile, chunk: number): Promise<void> {
  const start = chunk * file.chunkBytes;
  const found = await sha256(bytes.subarray(start, Math.min(start + file.chunkBytes, file.bytes)));
  if (found === file.chunks[chunk]) return;
  throw new UnmaskError(
    "checksum-mismatch",
    `${file.path} is damaged: chunk ${chunk + 1} of ${file.chunks.length} does not have the hash that unmask.json states.`,
    { detail: { path: file.path, chunk } },
  );
}

/** Lower-case hex. @throws UnmaskError `backend-unavailable` where the page has no WebCrypto (plain http). */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) {
    throw new UnmaskError(
      "backend-unavailable",
      "This page is not a secure context, so model files cannot be verified; use https or localhost.",
    );
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

function tooLong({ path, bytes }: ManifestFile): UnmaskError {
  return new UnmaskError(
    "checksum-mismatch",
    `${path} is longer than the ${bytes} bytes that unmask.json states.`,
    {
      detail: { path, expectedBytes: bytes },
    },
  );
}
