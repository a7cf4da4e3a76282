import { UnmaskError } from "../../core/errors.ts";
import type { ManifestFile } from "../../model/manifest.ts";
import type { DataShard, Weight } from "../graph/graph.ts";
import { type AppendFile, type BundleTarget, type FileDigest, fileDigest } from "./bundle-target.ts";
import type { Journal, PieceEntry } from "./journal.ts";

const READ_BACK_BYTES = 4 << 20;

/**
 * Writes a data file front to back, a tensor after another and each in parts, so that no tensor is ever in memory as a
 * whole unless its style needs it. Goes on behind the last tensor that an earlier run finished and that is still intact.
 *
 * @param onBytes called with the bytes of the file that are done; what it throws ends the writing
 */
export async function writeShard(
  target: BundleTarget,
  journal: Journal,
  path: string,
  shard: DataShard,
  onBytes: (done: number) => void,
): Promise<ManifestFile> {
  const file = await target.append(path);
  try {
    const { digest, next } = await restore(file, shard, journal.pieces(path));
    await file.truncate(digest.bytes);
    onBytes(digest.bytes);
    for (const { offset, weight } of shard.pieces.slice(next)) {
      const padding = new Uint8Array(offset - digest.bytes);
      await append(file, digest, padding);
      for await (const part of partsOf(weight)) {
        await append(file, digest, part);
        onBytes(digest.bytes);
      }
      if (digest.bytes !== offset + weight.bytes) {
        const made = digest.bytes - offset;
        throw new UnmaskError("internal", `${weight.name} was made of ${made} bytes, not ${weight.bytes}.`);
      }
      await journal.add({ file: path, piece: weight.name, end: digest.bytes, prefix: digest.prefix() });
    }
    return digest.finish(path);
  } finally {
    await file.close();
  }
}

async function* partsOf(weight: Weight): AsyncGenerator<Uint8Array> {
  if (weight.parts === undefined) yield await weight.load();
  else yield* weight.parts();
}

async function append(file: AppendFile, digest: FileDigest, bytes: Uint8Array): Promise<void> {
  await file.append(bytes);
  digest.update(bytes);
}

/** The state behind the last finished tensor whose file still hashes to what the journal says. */
async function restore(
  file: AppendFile,
  shard: DataShard,
  entries: ReadonlyMap<string, PieceEntry>,
): Promise<{ readonly digest: FileDigest; readonly next: number }> {
  const digest = fileDigest();
  let good = { digest: digest.copy(), next: 0 };
  for (const [at, { offset, weight }] of shard.pieces.entries()) {
    const end = offset + weight.bytes;
    const claim = entries.get(weight.name);
    if (claim?.end !== end || end > file.bytes) break;
    while (digest.bytes < end) {
      digest.update(await file.read(digest.bytes, Math.min(READ_BACK_BYTES, end - digest.bytes)));
    }
    if (digest.prefix() !== claim.prefix) break;
    good = { digest: digest.copy(), next: at + 1 };
  }
  return good;
}
