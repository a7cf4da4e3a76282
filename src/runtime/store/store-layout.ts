import * as v from "valibot";
import { type Manifest, parseManifest } from "../../model/manifest.ts";

/**
 * How models lie in the origin private file system. Whoever reads or writes there goes by this file:
 *
 *     unmask-files/<sha256>           a file of a bundle, complete, by the hash of its content
 *     unmask-files/<sha256>.partial   the same on its way: its first bytes, front to back
 *     unmask-models/<id>.json         a record ({@link ModelRecord}): which files make a model, and where it is from
 *     unmask-staging/<key>/...        a conversion that is not finished
 *
 * - A file belongs to every model whose record lists its hash; files and partial files of no record are removed, and
 *   partial files of a model that was not loaded for a month.
 * - So a record is written before the first file of its model is complete. Who cannot do that (a hash is known when a
 *   file is finished) holds {@link WRITING} in mode "shared" until the record is there: nothing is removed meanwhile.
 * - Who writes `<sha256>.partial` holds the lock {@link writerOf} of that file.
 * - Not every file of a manifest need be there: a visit fetches what its variant needs.
 */
export const FILES = "unmask-files";
export const RECORDS = "unmask-models";
export const STAGING = "unmask-staging";

/** Web Lock: shared by those who add files, exclusive for who removes what belongs to nobody. */
export const WRITING = "unmask-writing";

/** Web Lock of the one tab that fetches a file. */
export function writerOf(sha256: string): string {
  return `unmask-file-${sha256}`;
}

export function partialName(sha256: string): string {
  return `${sha256}.partial`;
}

/** Begins the address of a model that only this browser has; its `id` follows. */
const LOCAL = "opfs:";

export interface ModelRecord {
  /** Name of the record: 32 hexadecimal digits. */
  readonly id: string;
  /** Of the bundle's folder, ending in a slash, or `opfs:<id>` when it was converted or imported here. */
  readonly address: string;
  readonly manifest: Manifest;
  /** Milliseconds since 1970, of the first visit and of the last load. */
  readonly added: number;
  readonly used: number;
  /** A chat template that the user gave the model, in Jinja. */
  readonly template?: string;
}

export const MAX_TEMPLATE_CHARS = 1_000_000;

const time = v.pipe(v.number(), v.integer(), v.minValue(0));
const recordSchema = v.strictObject({
  schema: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  address: v.pipe(v.string(), v.regex(/^(https?:\/\/.{1,4000}\/|opfs:[0-9a-f]{32})$/)),
  manifest: v.unknown(),
  added: time,
  used: time,
  template: v.optional(v.pipe(v.string(), v.maxLength(MAX_TEMPLATE_CHARS))),
});

/** The content of a record file; undefined when it is none, as after a crash or from a later version. */
export function parseRecord(text: string): ModelRecord | undefined {
  try {
    const { schema: _, manifest, template, ...record } = v.parse(recordSchema, JSON.parse(text));
    return {
      ...record,
      manifest: parseManifest(manifest),
      ...(template !== undefined && { template }),
    };
  } catch {
    return undefined;
  }
}

export function formatRecord(record: ModelRecord): string {
  return JSON.stringify({ schema: 1, ...record });
}

/** The id that a model's address stands for. */
export function localId(address: string): string | undefined {
  return /^opfs:([0-9a-f]{32})\/?$/.exec(address)?.[1];
}

export function localAddress(id: string): string {
  return `${LOCAL}${id}`;
}

/** The id under which the model of an address is kept. */
export async function idOf(address: string): Promise<string> {
  return localId(address) ?? (await idOfAddress(address));
}

/** The id of a model on the web: its address hashed. A new manifest at the same address replaces the old one. */
export async function idOfAddress(address: string): Promise<string> {
  return hexHash(address);
}

/** The id of a model that only this browser has: importing it twice gives one. */
export async function idOfManifest(manifest: Manifest): Promise<string> {
  return hexHash(JSON.stringify(manifest));
}

async function hexHash(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
