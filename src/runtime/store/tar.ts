import { UnmaskError } from "../../core/errors.ts";

/**
 * The tar format (POSIX.1-1988 ustar), as far as it is needed for bundles: regular files with names of up to 100
 * characters. Any tar program unpacks such a file into the folder of a bundle, and packs one.
 */

export const BLOCK_BYTES = 512;
const MAX_NAME = 100;
const MAX_ENTRIES = 1000;
const MAX_SIZE = 8 ** 11 - 1;

export interface TarEntry {
  readonly name: string;
  /** Where its bytes begin in the archive, and how many there are. */
  readonly offset: number;
  readonly bytes: number;
}

/** The header of a file; its bytes follow, filled up with zeros to whole blocks. */
export function tarHeader(name: string, bytes: number): Uint8Array<ArrayBuffer> {
  const encoded = new TextEncoder().encode(name);
  if (encoded.length > MAX_NAME || bytes > MAX_SIZE) {
    throw new UnmaskError("write-failed", `${name.slice(0, 200)} does not fit into a tar archive.`);
  }
  const header = new Uint8Array(BLOCK_BYTES);
  const put = (text: string, at: number) => header.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  header.set(encoded, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(bytes, 11), 124);
  // The same archive every time.
  put(octal(0, 11), 136);
  put("0", 156);
  put("ustar\u000000", 257);
  put(`${octal(sumOf(header), 6)}\0 `, 148);
  return header;
}

/** Zeros behind a file of `bytes` bytes. */
export function tarPadding(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

/**
 * The regular files of an archive, by its headers alone. Folders are passed over; what else an archive may hold (links,
 * devices, extended headers), names that leave the folder and names that come twice are refused.
 *
 * @throws UnmaskError `manifest-invalid`, `file-truncated`
 */
export async function readTar(archive: Blob): Promise<TarEntry[]> {
  const entries = new Map<string, TarEntry>();
  for (let at = 0; ; ) {
    if (at + BLOCK_BYTES > archive.size) throw truncated("its end is missing");
    const header = new Uint8Array(await archive.slice(at, at + BLOCK_BYTES).arrayBuffer());
    if (header.every((byte) => byte === 0)) return [...entries.values()];
    const { name, bytes, type } = parseHeader(header);
    const offset = at + BLOCK_BYTES;
    if (offset + bytes > archive.size) throw truncated(`${name} ends behind its end`);
    at = offset + bytes + tarPadding(bytes);
    if (type === "5" && bytes === 0) continue;
    if (type !== "0" && type !== "\0") throw refused(`${shown(name)} is not a regular file`);
    if (entries.has(name)) throw refused(`${shown(name)} is in it twice`);
    if (entries.size === MAX_ENTRIES) throw refused(`it has more than ${MAX_ENTRIES} files`);
    entries.set(name, { name, offset, bytes });
  }
}

function parseHeader(header: Uint8Array): { name: string; bytes: number; type: string } {
  const text = (at: number, length: number) => {
    const field = header.subarray(at, at + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  const octal = (at: number, length: number) => {
    const digits = text(at, length).trim();
    if (!/^[0-7]{1,11}$/.test(digits))
      throw refused("it is not a tar archive, or one with sizes of another form");
    return Number.parseInt(digits, 8);
  };
  if (octal(148, 8) !== sumOf(header)) throw refused("it is not a tar archive, or a damaged one");
  if (text(345, 155) !== "") throw refused("it has longer names than a bundle");
  return { name: safeName(text(0, 100)), bytes: octal(124, 12), type: String.fromCharCode(header[156]!) };
}

/** `./onnx/a` as `onnx/a`; nothing that leads elsewhere. */
function safeName(stored: string): string {
  const name = stored.replace(/^(\.\/)+/, "").replace(/\/$/, "");
  const parts = name.split("/");
  const leaves = stored.startsWith("/") || /[\\:]/.test(name) || parts.includes("..");
  if (leaves || (parts.includes("") && name !== ""))
    throw refused(`the name ${shown(stored)} leads out of it`);
  return name;
}

/** Unsigned sum of the bytes, with spaces for the field that holds it. */
function sumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function refused(why: string): UnmaskError {
  return new UnmaskError("manifest-invalid", `This file cannot be imported: ${why}.`);
}

function truncated(why: string): UnmaskError {
  return new UnmaskError("file-truncated", `This file cannot be imported: ${why}.`);
}
