import { runningSha256 } from "../../math/running-hash.ts";
import type { Manifest, ManifestFile } from "../../model/manifest.ts";
import type { ByteSource } from "../checkpoint/byte-source.ts";

/** Where a bundle is written: a folder on disk, or the browser's store. Nothing is visible before `commit`. */
export interface BundleTarget {
  /** What {@link note} was given by an earlier run that did not end and had the same key; empty at a fresh start. */
  readonly journal: readonly string[];
  /** Adds a line, without line breaks in it, to the journal. What was appended before it is in the files by then. */
  note(line: string): Promise<void>;
  /** A small file as a whole. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** A large file, front to back, behind what an earlier run left of it. */
  append(path: string): Promise<AppendFile>;
  /** A file written before, and closed. */
  open(path: string): Promise<ByteSource>;
  /** Makes the bundle appear as a whole; every file of the manifest and `unmask.json` itself are written. */
  commit(manifest: Manifest): Promise<void>;
  /** Removes everything written. Does nothing after `commit`. */
  discard(): Promise<void>;
  /** Leaves what was written for a later run with the same key; false when there is nothing worth it. */
  leave(): Promise<boolean>;
}

/** A target for files of any kind, which needs no manifest to know them. */
export interface FolderTarget extends BundleTarget {
  commit(): Promise<void>;
}

export interface AppendFile {
  /** Bytes that an earlier run left. */
  readonly bytes: number;
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Forgets what stands behind `bytes`. */
  truncate(bytes: number): Promise<void>;
  append(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1 << 20;

/** The hashes of a file that the manifest wants: of the whole and of each MiB. */
export interface FileDigest {
  readonly bytes: number;
  update(bytes: Uint8Array): void;
  copy(): FileDigest;
  /** Hex SHA-256 of everything so far. */
  prefix(): string;
  finish(path: string): ManifestFile;
}

export function fileDigest(): FileDigest {
  return digestFrom(runningSha256(), runningSha256(), [], 0);
}

function digestFrom(
  whole: ReturnType<typeof runningSha256>,
  first: ReturnType<typeof runningSha256>,
  chunks: readonly string[],
  begun: number,
): FileDigest {
  let chunk = first;
  let bytes = begun;
  const done = [...chunks];
  return {
    get bytes() {
      return bytes;
    },
    update(part) {
      whole.update(part);
      for (let at = 0; at < part.length; ) {
        const taken = part.subarray(at, at + CHUNK_BYTES - (bytes % CHUNK_BYTES));
        chunk.update(taken);
        at += taken.length;
        bytes += taken.length;
        if (bytes % CHUNK_BYTES !== 0) continue;
        done.push(chunk.digest());
        chunk = runningSha256();
      }
    },
    copy: () => digestFrom(whole.copy(), chunk.copy(), done, bytes),
    prefix: () => whole.digest(),
    finish(path) {
      const isOpen = bytes === 0 || bytes % CHUNK_BYTES !== 0;
      const all = isOpen ? [...done, chunk.digest()] : [...done];
      return { path, bytes, sha256: whole.digest(), chunkBytes: CHUNK_BYTES, chunks: all };
    },
  };
}

/** Writes a small file and describes it as the manifest does. */
export async function writeHashed(
  target: BundleTarget,
  path: string,
  bytes: Uint8Array,
): Promise<ManifestFile> {
  const digest = fileDigest();
  digest.update(bytes);
  await target.write(path, bytes);
  return digest.finish(path);
}
