import * as v from "valibot";
import type { CheckpointFolder } from "../convert/byte-source.ts";
import { openCheckpoint, readAll } from "../convert/checkpoint.ts";
import { conversionKey } from "../convert/conversion-key.ts";
import { convertCheckpoint } from "../convert/convert.ts";
import type { ConvertOptions } from "../convert/convert-options.ts";
import type { StoredDtype } from "../convert/dtype.ts";
import { readExport } from "../convert/export-folder.ts";
import { exportKey } from "../convert/export-key.ts";
import { findExport } from "../convert/find-export.ts";
import { importLogitsModel } from "../convert/import-logits.ts";
import { type Inspection, inspectBundle, inspectCheckpoint } from "../convert/inspect.ts";
import { inspectExport } from "../convert/inspect-export.ts";
import { listUnfinished, opfsTarget, removeUnfinished } from "../convert/opfs-target.ts";
import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import { releaseCallback } from "../protocol.ts";
import { readManifest } from "../runtime/bundle.ts";
import type { OrtModule } from "../runtime/ort.ts";
import { idOfManifest, localAddress } from "../runtime/store-layout.ts";
import { filesFolder, type GivenFile } from "../sources/file-folder.ts";
import { openNamedSource } from "../sources/page-source.ts";
import { copyBundle } from "./copy-bundle.ts";
import type {
  OwnApi,
  OwnChoice,
  OwnLeftover,
  OwnLook,
  OwnModel,
  OwnProgress,
  OwnSource,
} from "./protocol.ts";

const BUNDLE = "unmask.json";
/** What checkpoints are converted to here; the others take too much memory in a page. */
const CONVERTED: readonly StoredDtype[] = ["q4", "q8"];
/** At most so many reports a second cross the thread. */
const REPORTS_PER_SECOND = 10;

/** A source that was looked at. */
interface Given {
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

/** The conversion worker's side of {@link OwnApi}. */
export function createOwnHost(): OwnApi {
  let given: Given | undefined;
  const root = () => navigator.storage.getDirectory();
  return {
    async look(source, choice) {
      given?.stop.abort();
      given = undefined;
      const stop = new AbortController();
      try {
        const opened = await open(source, stop);
        given = opened;
        return await lookAt(opened, choice, await root());
      } catch (error) {
        throw toUnmaskError(error);
      }
    },
    async convert(choice, runtimeUrl, report) {
      try {
        if (given === undefined || given.stop.signal.aborted) {
          throw new UnmaskError("usage", "Nothing was looked at that could be converted.");
        }
        return await convert(given, choice, { root: await root(), runtimeUrl, report: throttled(report) });
      } catch (error) {
        throw toUnmaskError(error);
      } finally {
        releaseCallback(report);
      }
    },
    abort: () => given?.stop.abort(),
    async leftovers() {
      const found = await listUnfinished(await root());
      return found.map(({ key, bytes, about }) => ({ key, bytes, ...parseAbout(about) }));
    },
    async removeLeftover(key) {
      await removeUnfinished(await root(), key);
    },
  };
}

async function open(source: OwnSource, stop: AbortController): Promise<Given> {
  if (source.kind === "text")
    return { ...(await openNamedSource(source.text, { signal: stop.signal })), stop };
  const folder = filesFolder(source.files);
  return { folder, name: folder.name.split("/").at(-1) || "model", files: source.files, stop };
}

async function lookAt(given: Given, choice: OwnChoice, root: FileSystemDirectoryHandle): Promise<OwnLook> {
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
  const found = graphs === undefined ? await lookAtWeights(given, choice) : await lookAtExport(given, graphs, choice);
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

function bundleManifest(folder: CheckpointFolder, signal: AbortSignal) {
  const read = async function* (path: string) {
    yield await readAll(await folder.open(path), path);
  };
  return readManifest({ name: folder.name, read }, signal);
}

function storedBytesOf({ runnable, facts }: Inspection, { dtype }: OwnChoice): number | undefined {
  const needs = facts["needs"] as Readonly<Record<string, number>> | undefined; // what inspectCheckpoint puts there
  return runnable ? needs?.[dtype] : undefined;
}

function optionsOf({ dtype, ...choice }: OwnChoice): Pick<ConvertOptions, "dtypes" | "profile" | "mask"> {
  return { dtypes: [dtype, "int8"], ...choice };
}

interface ConvertPlace {
  readonly root: FileSystemDirectoryHandle;
  readonly runtimeUrl: string;
  report(progress: OwnProgress): void;
}

async function convert(
  { folder, name, origin, files, stop }: Given,
  choice: OwnChoice,
  { root, runtimeUrl, report }: ConvertPlace,
): Promise<OwnModel> {
  const progress = (text: string, share?: number) => {
    if (stop.signal.aborted) throw new UnmaskError("aborted", "The conversion was stopped.");
    report({ text, ...(share !== undefined && { share }) });
  };
  if (files !== undefined && (await folder.names()).includes(BUNDLE)) {
    const manifest = await bundleManifest(folder, stop.signal);
    const id = await idOfManifest(manifest);
    await copyBundle(files, manifest, await opfsTarget(root, id), (share) => progress("copying", share));
    return { address: localAddress(id), name: manifest.name, warnings: [] };
  }
  const warnings: { code: string; message: string }[] = [];
  const about: About = { name, ...(origin !== undefined && { origin }), choice };
  const options: ConvertOptions = {
    ...optionsOf(choice),
    name,
    ...(origin !== undefined && { source: origin }),
    warn: (code, message) => void warnings.push({ code, message }),
    progress,
  };
  const target = (key: string) => opfsTarget(root, key, JSON.stringify(about));
  const graphs = await findExport(folder);
  const manifest =
    graphs === undefined
      ? await convertCheckpoint(folder, target, options)
      : await importLogitsModel(folder, graphs, target, { ...options, loadOrt: () => loadOrt(runtimeUrl) });
  return { address: localAddress(await idOfManifest(manifest)), name: manifest.name, warnings };
}

async function loadOrt(runtimeUrl: string): Promise<OrtModule> {
  const ort = await import("../runtime/ort-wasm.ts");
  ort.env.wasm.wasmPaths = runtimeUrl;
  return ort;
}

const aboutSchema = v.object({
  name: v.string(),
  origin: v.optional(v.string()),
  choice: v.object({
    dtype: v.picklist(["q4", "q8", "f16", "f32"]),
    profile: v.optional(v.string()),
    mask: v.optional(v.number()),
  }),
});

type About = Pick<OwnLeftover, "name" | "origin" | "choice">;

/** What a run that was killed early wrote may be cut. */
function parseAbout(text: string): About {
  try {
    const { name, origin, choice } = v.parse(aboutSchema, JSON.parse(text));
    const { dtype, profile, mask } = choice;
    return {
      name,
      ...(origin !== undefined && { origin }),
      choice: { dtype, ...(profile !== undefined && { profile }), ...(mask !== undefined && { mask }) },
    };
  } catch {
    return { name: "a model", choice: { dtype: "q4" } };
  }
}

/** Lets the first report of a stage through, and of the others some. */
function throttled(report: (progress: OwnProgress) => void): (progress: OwnProgress) => void {
  let stage = "";
  let due = 0;
  return (progress) => {
    const now = performance.now();
    const name = progress.text.split(":")[0] ?? "";
    if (name === stage && now < due) return;
    stage = name;
    due = now + 1000 / REPORTS_PER_SECOND;
    report(progress);
  };
}
