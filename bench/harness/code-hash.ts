import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { minifySync, transformWithOxc } from "vite";

/** Import of one file by another, as the bundler's printer writes it: static, dynamic, or the address of a worker. */
const IMPORTS = /(?:\bfrom|\bimport|new URL\()\s*\(?\s*["'](\.{1,2}\/[^"']+\.ts)["']/g;

/** A file as it runs: no types, no comments, no layout. */
export async function fileCode(path: string): Promise<string> {
  const { code } = await transformWithOxc(await readFile(path, "utf8"), path, { sourcemap: false });
  return minifySync(path, code, { mangle: false, compress: false }).code;
}

export interface CodeView {
  /** Leaves out a part of a file, and with it what that part alone imports. */
  edit?(path: string, code: string): string;
}

/**
 * Fingerprint of the code that runs from `roots`: every file that they import, directly or not, without types and
 * comments. What is only imported for its types does not count, and neither does a file that nothing here imports.
 *
 * @param folder paths are told relative to it, so that a checkout elsewhere has the same fingerprint
 */
export async function codeHash(
  roots: readonly string[],
  folder: string,
  { edit = (_path, code) => code }: CodeView = {},
): Promise<string> {
  const known = new Map<string, string>();
  const open = [...roots];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (known.has(path)) continue;
    const code = edit(path, await fileCode(path));
    known.set(path, code);
    for (const [, target] of code.matchAll(IMPORTS)) open.push(join(dirname(path), target!));
  }
  const hash = createHash("sha256");
  for (const [path, code] of [...known].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${relative(folder, path)}\n${code}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}
