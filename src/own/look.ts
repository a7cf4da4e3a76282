import type { CheckpointFolder } from "../convert/checkpoint/byte-source.ts";
import { openCheckpoint, readAll } from "../convert/checkpoint/checkpoint.ts";
import { conversionKey } from "../convert/conversion-key.ts";
import type { ConvertOptions } from "../convert/convert-options.ts";
import type { StoredDtype } from "../convert/dtype.ts";
import { readExport } from "../convert/exports/export-folder.ts";
import { exportKey } from "../convert/exports/export-key.ts";
import { findExport } from "../convert/exports/find-export.ts";
import { inspectExport } from "../convert/exports/inspect-export.ts";
import { type Inspection, inspectBundle, inspectCheckpoint } from "../convert/inspect.ts";
import { listUnfinished } from "../convert/target/opfs-target.ts";
import { readManifest } from "../runtime/open/bundle.ts";
import type { GivenFile } from "../sources/file-folder.ts";
import type { OwnChoice, OwnLook } from "./protocol.ts";

export const BUNDLE = "unmask.json";
/** What checkpoints are converted to here; the others take too much memory in a page. */
const CONVERTED: readonly StoredDtype[] = ["q4", "q8"];
/** A source that was looked at. */
export interface Given {
  readonly folder: CheckpointFolder;
  /** What to call the model, and what tells how it was trained where nothing else does. */
  readonly name: string;
  /** Where it is from, for the manifest; absent for files. */
  readonly origin?: string;
  /** Base address of its files, where they could be loaded as they are. */
  readonly base?: string;
  /** What was dropped or chosen. */
  readonly files?: readonly GivenFile[];
  readonly stop: AbortController;
}

/** What a source is, what it takes and what is done of it already. @throws UnmaskError */
export async function lookAt(
  given: Given,
  choice: OwnChoice,
  root: FileSystemDirectoryHandle,
): Promise<OwnLook> {
  const { folder, name, base } = given;
  const { quota, usage } = await navigator.storage.estimate();
  const room = quota === undefined || usage === undefined ? {} : { room: Math.max(0, quota - usage) };
  const remote = folder.remote === true;
  const common = { name, remote, doneBytes: 0, dtypes: CONVERTED, dtype: choice.dtype, ...room };
  if ((await folder.names()).includes(BUNDLE)) {
    const manifest = await bundleManifest(folder, given.stop.signal);
    const storedBytes = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
    const inspection = await inspectBundle(manifest);
    const found = { ...common, name: manifest.name, inspection, sourceBytes: storedBytes };
    return base === undefined ? { ...found, storedBytes } : { ...found, bundle: base };
  }
  const graphs = await findExport(folder);
  const found =
    graphs === undefined ? await lookAtWeights(given, choice) : await lookAtExport(given, graphs, choice);
  const { key, ...look } = found;
  if (key === undefined) return { ...common, ...look };
  const doneBytes = (await listUnfinished(root)).find((item) => item.key === key)?.bytes ?? 0;
  return { ...common, ...look, doneBytes };
}

/** What a look at a kind of source finds; `key` where it can be converted. */
type Found = Pick<OwnLook, "inspection" | "sourceBytes" | "storedBytes" | "dtypes" | "dtype"> & {
  readonly key?: string;
};

async function lookAtWeights({ folder, name }: Given, asked: OwnChoice): Promise<Found> {
  const dtype = CONVERTED.find((item) => item === asked.dtype) ?? "q4";
  const choice = { ...asked, dtype };
  const inspection = await inspectCheckpoint(folder, { repository: name, ...choice });
  const sourceBytes = Number(inspection.facts["bytes"] ?? 0);
  const found = { inspection, sourceBytes, dtypes: CONVERTED, dtype };
  const storedBytes = storedBytesOf(inspection, choice);
  if (storedBytes === undefined) return found;
  const key = await conversionKey(await openCheckpoint(folder), optionsOf(choice));
  return { ...found, storedBytes, key };
}

async function lookAtExport(
  { folder, name }: Given,
  graphs: CheckpointFolder,
  choice: OwnChoice,
): Promise<Found> {
  const hints = { repository: name, ...choice };
  const inspection = await inspectExport(folder, graphs, hints);
  if (!inspection.runnable) return { inspection, sourceBytes: 0, dtypes: [], dtype: choice.dtype };
  const found = await readExport(folder, graphs, hints);
  const graph = found.graphs.find(({ dtype }) => dtype === choice.dtype) ?? found.graphs[0]!; // there is one
  const { dtype, bytes } = graph;
  const key = await exportKey(folder, [graph], choice);
  const dtypes = found.graphs.map((item) => item.dtype);
  return { inspection, sourceBytes: bytes, storedBytes: bytes, dtypes, dtype, key };
}

/** The manifest of a bundle folder. */
export function bundleManifest(folder: CheckpointFolder, signal: AbortSignal) {
  const read = async function* (path: string) {
    yield await readAll(await folder.open(path), path);
  };
  return readManifest({ name: folder.name, read }, signal);
}

function storedBytesOf({ runnable, facts }: Inspection, { dtype }: OwnChoice): number | undefined {
  const needs = facts["needs"] as Readonly<Record<string, number>> | undefined; // what inspectCheckpoint puts there
  return runnable ? needs?.[dtype] : undefined;
}

export function optionsOf({
  dtype,
  ...choice
}: OwnChoice): Pick<ConvertOptions, "dtypes" | "profile" | "mask"> {
  return { dtypes: [dtype, "int8"], ...choice };
}
