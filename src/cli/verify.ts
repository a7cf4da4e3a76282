import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { nodeFolder } from "../convert/node-folder.ts";
import { type VerifyCase, verifyCheckpoint } from "../convert/verify.ts";
import { isUnmaskError, UnmaskError } from "../core/errors.ts";
import type { Command, CommandIo } from "./command.ts";

/** `unmask verify`: reference checkpoints against their golden numbers. */
export const verifyCommand: Command = {
  name: "verify",
  summary: "convert a reference checkpoint in memory and compare it with its golden numbers",
  usage: "SRC",
  options: {},
  help: {},
  async run(positionals, _values, io) {
    const [src, ...rest] = positionals;
    if (src === undefined || rest.length > 0)
      throw new UnmaskError("usage", "verify takes one folder: unmask verify SRC");
    const path = resolve(src);
    const names = await nodeFolder(path).names();
    const cases: VerifyCase[] = [];
    const skipped: { name: string; reason: string }[] = [];
    if (names.includes("config.json")) {
      cases.push(...(await verifyCheckpoint(nodeFolder(path), basename(path))));
    } else {
      for (const name of await caseFolders(path)) {
        io.status(name);
        await verifyOne(path, name, cases, skipped);
      }
      if (cases.length + skipped.length === 0) {
        throw new UnmaskError("not-found", `${src} is neither a reference checkpoint nor a folder of them.`);
      }
    }
    const pass = cases.every((entry) => entry.pass);
    report(io, cases, skipped);
    return { json: { cases, skipped, pass }, exitCode: pass ? 0 : 1 };
  },
};

/** Subfolders that hold a checkpoint with a golden file. */
async function caseFolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((item) => item.isDirectory())) {
    const files = await nodeFolder(join(path, entry.name)).names();
    if (files.includes("config.json") && files.includes("golden.safetensors")) found.push(entry.name);
  }
  return found.sort();
}

async function verifyOne(
  path: string,
  name: string,
  cases: VerifyCase[],
  skipped: { name: string; reason: string }[],
): Promise<void> {
  try {
    cases.push(...(await verifyCheckpoint(nodeFolder(join(path, name)), name)));
  } catch (error) {
    if (!isUnmaskError(error) || error.code !== "checkpoint-unsupported") throw error;
    skipped.push({ name, reason: error.message });
  }
}

function report(
  io: CommandIo,
  cases: readonly VerifyCase[],
  skipped: readonly { name: string; reason: string }[],
): void {
  for (const { name, dtype, scales, maxRelError, argmaxAgreement, pass } of cases) {
    const build = scales === undefined ? dtype : `${dtype}/${scales}`;
    const figures = `rel ${maxRelError.toExponential(1)}  argmax ${argmaxAgreement.toFixed(3)}`;
    io.print(`${pass ? "pass" : "FAIL"}  ${build.padEnd(7)} ${name.padEnd(32)} ${figures}`);
  }
  for (const { name, reason } of skipped) io.print(`skip  ${name}: ${reason}`);
}
