import { type BundleTarget, fileDigest } from "../convert/target/bundle-target.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Manifest, ManifestFile } from "../model/manifest.ts";
import type { GivenFile } from "../sources/file-folder.ts";

const MANIFEST = "unmask.json";
const PART_BYTES = 4 << 20;

/**
 * Copies a bundle folder that was dropped, every file checked against its hashes.
 *
 * @param progress hears the share of the bytes that is done; what it throws ends the copying
 * @throws UnmaskError `not-found`, `file-truncated`, `checksum-mismatch`, and those of the target; nothing is left then
 */
export async function copyBundle(
  given: readonly GivenFile[],
  manifest: Manifest,
  target: BundleTarget,
  progress: (share: number) => void,
): Promise<void> {
  const root = rootOf(given);
  const byPath = new Map(given.map(({ path, file }) => [path, file]));
  const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    progress(total === 0 ? 1 : done / total);
  };
  try {
    for (const entry of manifest.files) {
      const file = byPath.get(`${root}${entry.path}`);
      if (file === undefined) {
        throw new UnmaskError("not-found", `The folder lacks ${entry.path}, which ${MANIFEST} lists.`);
      }
      await copyFile(file, entry, target, onBytes);
    }
    await target.commit(manifest);
  } catch (error) {
    await target.discard();
    throw error;
  }
}

/** The folder of the shallowest manifest, as `filesFolder` has it. */
function rootOf(given: readonly GivenFile[]): string {
  const depth = (path: string) => path.split("/").length;
  const [first] = given
    .map(({ path }) => path)
    .filter((path) => path === MANIFEST || path.endsWith(`/${MANIFEST}`))
    .sort((a, b) => depth(a) - depth(b));
  return first?.slice(0, -MANIFEST.length) ?? "";
}

async function copyFile(
  file: File,
  entry: ManifestFile,
  target: BundleTarget,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { path, bytes: expectedBytes, sha256 } = entry;
  if (file.size !== expectedBytes) {
    throw new UnmaskError("file-truncated", `${path} has ${file.size} bytes, not ${expectedBytes}.`, {
      detail: { path, bytes: file.size, expectedBytes },
    });
  }
  const digest = fileDigest();
  const copy = await target.append(path);
  try {
    await copy.truncate(0);
    for (let at = 0; at < file.size; at += PART_BYTES) {
      const part = new Uint8Array(await file.slice(at, at + PART_BYTES).arrayBuffer());
      digest.update(part);
      await copy.append(part);
      onBytes(part.length);
    }
  } finally {
    await copy.close();
  }
  if (digest.prefix() === sha256) return;
  throw new UnmaskError(
    "checksum-mismatch",
    `${path} is damaged: it does not have the SHA-256 that ${MANIFEST} states.`,
    { detail: { path } },
  );
}
