import { constants } from "node:fs";
import { access, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { UnmaskError } from "../../core/errors.ts";

/**
 * Checks that a file can be put at `path`, before minutes are spent on making its content.
 *
 * @param what names it in messages: `trace`
 * @throws UnmaskError `write-failed`: no folder to write to, or `path` is something other than a plain file
 */
export async function checkResultPath(what: string, path: string): Promise<void> {
  const fail = (why: string, cause?: unknown): never => {
    throw new UnmaskError("write-failed", `The ${what} cannot be written to "${path}": ${why}.`, { cause });
  };
  if (path === "") fail("it is no file name");
  const folder = dirname(resolve(path));
  const parent = await stat(folder).catch((cause: unknown) => fail(`there is no folder ${folder}`, cause));
  if (!parent.isDirectory()) fail(`${folder} is not a folder`);
  await access(folder, constants.W_OK).catch((cause: unknown) => fail(`${folder} is not writable`, cause));
  // Renaming onto a device would replace it.
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) fail("it exists and is not a plain file");
}

/** Writes a document beside its place and renames it into it. @throws UnmaskError `write-failed` */
export async function writeResult(what: string, path: string, document: unknown): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await writeFile(partial, `${JSON.stringify(document)}\n`);
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => {});
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnmaskError("write-failed", `The ${what} cannot be written to "${path}": ${why}`, { cause });
  }
}
