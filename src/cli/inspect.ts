import { resolve } from "node:path";
import { inspectExport } from "../convert/import-logits.ts";
import { type Inspection, inspectBundle, inspectCheckpoint } from "../convert/inspect.ts";
import { nodeExport, nodeFolder } from "../convert/node-folder.ts";
import { UnmaskError } from "../core/errors.ts";
import { readManifest } from "../runtime/bundle.ts";
import { downloadFile } from "../runtime/download.ts";
import { folderSource } from "../runtime/folder-source.ts";
import { httpSource } from "../runtime/http-source.ts";
import type { Command, CommandIo } from "./command.ts";

const MANIFEST = "unmask.json";

/** `unmask inspect`: what a checkpoint or bundle is, what it needs, whether it can run. */
export const inspectCommand: Command = {
  name: "inspect",
  summary:
    "say what a checkpoint or bundle is, what it needs (bytes by dtype), and whether it can run; a family that cannot is named with what it would take",
  usage: "DIR|URL",
  options: {},
  help: {},
  async run(positionals, _values, io) {
    const [src, ...rest] = positionals;
    if (src === undefined || src.trim() === "" || rest.length > 0) {
      throw new UnmaskError("usage", "inspect takes one folder or address: unmask inspect DIR");
    }
    const found = /^https?:\/\//.test(src)
      ? await inspectUrl(src, io.signal)
      : await inspectFolder(resolve(src), io.signal);
    for (const { code, message } of found.warnings) io.warn(code, message);
    report(io, src, found);
    const { kind, runnable, reason, facts } = found;
    return { json: { kind, runnable, ...(reason !== undefined && { reason }), ...facts } };
  },
};

async function inspectFolder(path: string, signal: AbortSignal): Promise<Inspection> {
  const folder = nodeFolder(path);
  if (!(await folder.names()).includes(MANIFEST)) {
    const graphs = await nodeExport(path);
    return graphs === undefined ? inspectCheckpoint(folder) : inspectExport(graphs);
  }
  const source = folderSource(path);
  const manifest = await readManifest(source, signal);
  return inspectBundle(manifest, (file) => downloadFile(source, file, signal, () => {}));
}

/** Only the manifest is fetched: the files of a bundle may be gigabytes. */
async function inspectUrl(url: string, signal: AbortSignal): Promise<Inspection> {
  return inspectBundle(await readManifest(httpSource(url), signal));
}

function report(io: CommandIo, src: string, { kind, runnable, reason, facts }: Inspection): void {
  io.print(
    `${src}: ${kind === "export" ? "an ONNX export" : `a ${kind}`}${runnable ? " this build can run" : ""}`,
  );
  if (reason !== undefined) io.print(reason);
  for (const [key, value] of Object.entries(facts)) io.print(`  ${key.padEnd(14)} ${JSON.stringify(value)}`);
}
