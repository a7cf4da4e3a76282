import type { Manifest, ManifestFile } from "../../model/manifest.ts";
import { sha256 } from "./download.ts";

/** True when the tokenizer and all files of some variant are there. */
export function isUsable(
  { files, variants }: Pick<Manifest, "files" | "variants">,
  has: (file: ManifestFile) => boolean,
): boolean {
  const there = new Set(files.filter(has).map(({ path }) => path));
  if (!there.has("tokenizer.json")) return false;
  return Object.values(variants).some(({ graph, data, from }) => {
    const base = from === undefined ? [] : (variants[from]?.data ?? []);
    return [graph, ...data, ...base].every((path) => there.has(path));
  });
}

/** Compares the chunks of a file with their hashes, one chunk in memory at a time. */
export async function chunksMatch(
  file: Blob,
  { bytes, chunkBytes, chunks }: ManifestFile,
  onBytes: (bytes: number) => void,
): Promise<boolean> {
  if (file.size !== bytes) return false;
  for (const [i, hash] of chunks.entries()) {
    const end = Math.min(bytes, (i + 1) * chunkBytes);
    const part = new Uint8Array(await file.slice(i * chunkBytes, end).arrayBuffer());
    if ((await sha256(part)) !== hash) return false;
    onBytes(end);
  }
  return true;
}
