import { convertCheckpoint } from "../convert/convert.ts";
import type { ConvertOptions } from "../convert/convert-options.ts";
import { findExport } from "../convert/exports/find-export.ts";
import { importLogitsModel } from "../convert/exports/import-logits.ts";
import { listUnfinished, opfsTarget, removeUnfinished } from "../convert/target/opfs-target.ts";
import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import { releaseCallback } from "../protocol.ts";
import type { OrtModule } from "../runtime/ort/ort.ts";
import { idOfManifest, localAddress } from "../runtime/store/store-layout.ts";
import { filesFolder } from "../sources/file-folder.ts";
import { openNamedSource } from "../sources/page-source.ts";
import { type About, parseAbout } from "./about.ts";
import { copyBundle } from "./copy-bundle.ts";
import { BUNDLE, bundleManifest, type Given, lookAt, optionsOf } from "./look.ts";
import type { OwnApi, OwnChoice, OwnModel, OwnProgress, OwnSource } from "./protocol.ts";

/** At most so many reports a second cross the thread. */
const REPORTS_PER_SECOND = 10;

/** The conversion worker's side of {@link OwnApi}. */
export function createOwnHost(): OwnApi {
  let given: Given | undefined;
  /** Of what is under way, or was looked at last. */
  let stop = new AbortController();
  const root = () => navigator.storage.getDirectory();
  return {
    async look(source, choice) {
      stop.abort();
      given = undefined;
      stop = new AbortController();
      const mine = stop;
      try {
        const opened = await open(source, mine);
        if (mine.signal.aborted) throw new UnmaskError("aborted", "Looking was stopped.");
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
    abort: () => stop.abort(),
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
  const ort = await import("../runtime/ort/ort-wasm.ts");
  ort.env.wasm.wasmPaths = runtimeUrl;
  return ort;
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
