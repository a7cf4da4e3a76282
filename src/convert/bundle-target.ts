import type { ManifestFile } from "../model/manifest.ts";

/** Where a bundle is written: a folder on disk, later OPFS. Nothing is visible before `commit`. */
export interface BundleTarget {
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes the bundle appear as a whole. */
  commit(): Promise<void>;
  /** Removes everything written. Safe after `commit`. */
  discard(): Promise<void>;
}

const CHUNK_BYTES = 1 << 20;

/** Writes a file and describes it as the manifest does: its SHA-256 and one a MiB. */
export async function writeHashed(
  target: BundleTarget,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<ManifestFile> {
  const chunks: string[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += CHUNK_BYTES) {
    chunks.push(await sha256(bytes.subarray(at, at + CHUNK_BYTES)));
  }
  await target.write(path, bytes);
  return { path, bytes: bytes.length, sha256: await sha256(bytes), chunkBytes: CHUNK_BYTES, chunks };
}

/** Lower-case hex. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
