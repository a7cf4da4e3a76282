import { readAll } from "../convert/checkpoint/checkpoint.ts";
import { findExport } from "../convert/exports/find-export.ts";
import { inspectExport } from "../convert/exports/inspect-export.ts";
import { type Inspection, inspectBundle, inspectCheckpoint } from "../convert/inspect.ts";
import { isUnmaskError, UnmaskError } from "../core/errors.ts";
import { readManifest } from "../runtime/open/bundle.ts";
import { downloadFile } from "../runtime/store/download.ts";
import { folderSource } from "../runtime/store/folder-source.ts";
import { httpSource } from "../runtime/store/http-source.ts";
import type { Command, CommandIo } from "./command.ts";
import { type CliSource, HUB_HELP, HUB_OPTION, openCliSource } from "./io/source.ts";

const MANIFEST = "unmask.json";

/** `unmask inspect`: what a checkpoint or bundle is, what it needs, whether it can run. */
export const inspectCommand: Command = {
  name: "inspect",
  summary:
    "say what a checkpoint or bundle is, what it needs (bytes by dtype), and whether it can run; a family that cannot is named with what it would take",
  usage: "DIR|FILE|URL|OWNER/NAME[@REVISION]",
  options: HUB_OPTION,
  help: HUB_HELP,
  async run(positionals, values, io) {
    const [src, ...rest] = positionals;
    if (src === undefined || src.trim() === "" || rest.length > 0) {
      throw new UnmaskError("usage", "inspect takes one folder or address: unmask inspect DIR");
    }
    await using source = await openCliSource(src, values, io);
    const found = await inspect(source, io.signal);
    for (const { code, message } of found.warnings) io.warn(code, message);
    report(io, src, found);
    const { kind, runnable, reason, facts } = found;
    const origin = source.kind === "hub" ? { location: source.location } : {};
    return { json: { kind, runnable, ...(reason !== undefined && { reason }), ...origin, ...facts } };
  },
};

async function inspect({ kind, folder, location }: CliSource, signal: AbortSignal): Promise<Inspection> {
  if (kind === "url") return inspectUrl(location, folder, signal);
  if (!(await folder.names()).includes(MANIFEST)) return inspectWeights(folder);
  if (kind === "folder") {
    const source = folderSource(location);
    const manifest = await readManifest(source, signal);
    return inspectBundle(manifest, (file) => downloadFile(source, file, signal, () => {}));
  }
  const read = async function* (name: string) {
    yield await readAll(await folder.open(name), name);
  };
  return inspectBundle(await readManifest({ name: location, read }, signal));
}

/** Of a bundle only the manifest is fetched: its files may be gigabytes. What has none may be a checkpoint. */
async function inspectUrl(
  url: string,
  folder: CliSource["folder"],
  signal: AbortSignal,
): Promise<Inspection> {
  try {
    return await inspectBundle(await readManifest(httpSource(url), signal));
  } catch (error) {
    if (!isUnmaskError(error) || error.code !== "not-found") throw error;
  }
  return inspectWeights(folder);
}

async function inspectWeights(folder: CliSource["folder"]): Promise<Inspection> {
  const graphs = await findExport(folder);
  return graphs === undefined ? inspectCheckpoint(folder) : inspectExport(folder, graphs);
}

function report(io: CommandIo, src: string, { kind, runnable, reason, facts }: Inspection): void {
  io.print(
    `${src}: ${kind === "export" ? "an ONNX export" : `a ${kind}`} this build ${runnable ? "can" : "cannot"} run`,
  );
  if (reason !== undefined) io.print(reason);
  for (const [key, value] of Object.entries(facts)) io.print(`  ${key.padEnd(14)} ${JSON.stringify(value)}`);
}
