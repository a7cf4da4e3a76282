import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Inspection, inspectBundle, inspectCheckpoint } from "../convert/inspect.ts";
import { nodeFile, nodeFolder } from "../convert/node-folder.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Command, CommandIo } from "./command.ts";

const MANIFEST = "unmask.json";

/** `unmask inspect`: what a checkpoint or bundle is, what it needs, whether it can run. */
export const inspectCommand: Command = {
  name: "inspect",
  summary: "say what a checkpoint or bundle is, what it needs, and whether it can run",
  usage: "DIR|URL",
  options: {},
  help: {},
  async run(positionals, _values, io) {
    const [src, ...rest] = positionals;
    if (src === undefined || rest.length > 0) {
      throw new UnmaskError("usage", "inspect takes one folder or address: unmask inspect DIR");
    }
    const found = /^https?:\/\//.test(src)
      ? await inspectUrl(src, io.signal)
      : await inspectFolder(resolve(src));
    for (const { code, message } of found.warnings) io.warn(code, message);
    report(io, src, found);
    const { kind, runnable, reason, facts } = found;
    return { json: { kind, runnable, ...(reason !== undefined && { reason }), ...facts } };
  },
};

async function inspectFolder(path: string): Promise<Inspection> {
  const folder = nodeFolder(path);
  if (!(await folder.names()).includes(MANIFEST)) return inspectCheckpoint(folder);
  const json = parse(await readFile(join(path, MANIFEST), "utf8"));
  return inspectBundle(json, async (file) => {
    const source = await nodeFile(join(path, file));
    return source.read(0, source.size);
  });
}

/** Only the manifest is fetched: the files of a bundle may be gigabytes. */
async function inspectUrl(url: string, signal: AbortSignal): Promise<Inspection> {
  const address = `${url.replace(/\/+$/, "")}/${MANIFEST}`;
  const response = await fetch(address, { signal }).catch((cause: unknown) => {
    throw new UnmaskError("download-failed", `${address} cannot be reached.`, { cause });
  });
  if (!response.ok) throw new UnmaskError("download-failed", `${address} answers ${response.status}.`);
  return inspectBundle(parse(await response.text()));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnmaskError("manifest-invalid", `${MANIFEST} is not valid JSON.`, { cause });
  }
}

function report(io: CommandIo, src: string, { kind, runnable, reason, facts }: Inspection): void {
  io.print(`${src}: a ${kind}${runnable ? " this build can run" : ""}`);
  if (reason !== undefined) io.print(reason);
  for (const [key, value] of Object.entries(facts)) io.print(`  ${key.padEnd(14)} ${JSON.stringify(value)}`);
}
