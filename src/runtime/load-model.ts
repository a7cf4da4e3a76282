import { UnmaskError } from "../core/errors.ts";
import type { LoadEvent } from "../core/events.ts";
import type { Denoiser } from "../core/types.ts";
import { deriveInt8 } from "../model/derive-int8.ts";
import type { Manifest, ManifestFile } from "../model/manifest.ts";
import type { EngineInfo, LoadOptions } from "../protocol.ts";
import { type BackendChoice, chooseBackend, chooseVariant } from "./backend.ts";
import { fetchFiles, readManifest } from "./bundle.ts";
import { createDenoiser } from "./denoiser.ts";
import { withDrafts } from "./draft-forwards.ts";
import { createGpuBuffers } from "./gpu-kv-buffers.ts";
import { createGpuRows } from "./gpu-rows.ts";
import { type JinjaSource, jinjaSource, TEMPLATE_FILE } from "./jinja-chat.ts";
import { createCpuBuffers } from "./kv-buffers.ts";
import { createKvStore } from "./kv-store.ts";
import type { Platform } from "./platform.ts";
import { createCpuRows } from "./rows.ts";
import { selfTest } from "./self-test.ts";
import { claimThreads, type GraphFiles, type GraphSession, openSession } from "./session.ts";
import { startRuntime } from "./start-runtime.ts";
import { createTokenizer, type TextTokenizer } from "./tokenizer.ts";

/** A model that is ready: nothing here exists before it works. */
export interface LoadedModel {
  readonly info: EngineInfo;
  /** With the variant that is open: filters differ by it. */
  readonly manifest: Manifest & { readonly variant: string };
  readonly denoiser: Denoiser;
  readonly tokenizer: TextTokenizer;
  readonly jinja: JinjaSource;
}

type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
const TOKENIZER = "tokenizer.json";
const TOKENIZER_CONFIG = "tokenizer_config.json";

/**
 * Opens a bundle: manifest, backend, files, session, self-test. On failure everything taken is freed.
 *
 * @throws UnmaskError
 */
export async function loadModel(
  platform: Platform,
  model: string,
  options: LoadOptions,
  report: (event: LoadEvent) => void,
  signal: AbortSignal,
): Promise<LoadedModel> {
  const warnings: { code: string; message: string }[] = [];
  const warn = (code: string, message: string) => void warnings.push({ code, message });
  const source = platform.openSource(model);
  const manifest = await readManifest(source, signal);
  const backend = await chooseBackend(options, platform, manifest.vocab);
  const ortLoading = platform
    .loadOrt(backend.kind, options.runtimeUrl)
    .then((loaded) => startRuntime(loaded, backend));
  ortLoading.catch(() => {});
  let session: GraphSession | undefined;
  try {
    const variant = chooseVariant(manifest, options.variant, backend);
    const needed = neededFiles(manifest, variant);
    const store = await platform.openStore().catch((cause: unknown) => {
      warn("storage-failed", `The browser does not keep the model for the next visit: ${String(cause)}`);
      return undefined;
    });
    const files = await fetchFiles(needed, { source, manifest, store, signal, report, warn });
    const bundleBytes = needed.reduce((sum, file) => sum + file.bytes, 0);
    const tokenizer = createTokenizer(files.get(TOKENIZER)!, files.get(TOKENIZER_CONFIG), manifest.vocab);
    report({ phase: "compiling", bytes: bundleBytes, totalBytes: bundleBytes });
    const weights = graphFiles(manifest, variant, files);
    const ort = await ortLoading.catch((cause: unknown) => {
      throw new UnmaskError("backend-unavailable", `onnxruntime could not be loaded: ${String(cause)}`, {
        cause,
      });
    });
    session = await openSession(ort, weights, backend, manifest);
    const threads = claimThreads(backend.threads);
    if (backend.kind === "wasm" && threads !== backend.threads) {
      warn("threads-fixed", `WASM keeps the ${threads} threads it was started with.`);
    }
    throwIfAborted(signal);
    report({ phase: "warming", bytes: bundleBytes, totalBytes: bundleBytes });
    const { vocab } = manifest;
    const rows = backend.device === undefined ? createCpuRows(vocab) : createGpuRows(backend.device, vocab);
    const lost = backend.device === undefined ? undefined : lossOf(backend.device);
    const { kv } = session;
    const { device } = backend;
    const openStore = () =>
      createKvStore(device === undefined ? createCpuBuffers(ort, kv) : createGpuBuffers(ort, device, kv));
    const testing = selfTest(session, rows, openStore, manifest, variant);
    const test = await Promise.race([testing, ...(lost ? [lost] : [])]);
    if (test === undefined) {
      warn(
        "no-self-test",
        `The bundle has no golden forward for ${variant}, so its numbers were not checked.`,
      );
    }
    throwIfAborted(signal);
    const free = () => backend.device?.destroy();
    const denoiser = withDrafts(
      createDenoiser({ session, rows, manifest, openStore, free, ...(lost ? { lost } : {}) }),
    );
    const info = infoOf(manifest, variant, { ...backend, threads }, bundleBytes);
    return {
      manifest: { ...manifest, variant },
      denoiser,
      tokenizer,
      jinja: jinjaSource(manifest, files.get(TOKENIZER_CONFIG), files.get(TEMPLATE_FILE)),
      info: { ...info, warnings, ...(test ? { selfTest: test } : {}) },
    };
  } catch (error) {
    await session?.release().catch(() => {});
    backend.device?.destroy();
    throw error;
  }
}

/** Files of one variant and the tokenizer, small ones first. */
export function neededFiles(manifest: Manifest, variant: string): ManifestFile[] {
  const chosen = manifest.variants[variant]!;
  const base = chosen.from === undefined ? undefined : manifest.variants[chosen.from]!;
  const template = manifest.chat === undefined ? [TEMPLATE_FILE] : [];
  const paths = [
    TOKENIZER,
    TOKENIZER_CONFIG,
    ...template,
    chosen.graph,
    ...chosen.data,
    ...(base?.data ?? []),
  ];
  const files = paths.flatMap((path) => manifest.files.find((file) => file.path === path) ?? []);
  if (files[0]?.path !== TOKENIZER) {
    throw new UnmaskError("tokenizer-invalid", `The bundle has no ${TOKENIZER}.`);
  }
  return files;
}

function graphFiles(manifest: Manifest, variant: string, files: Files): GraphFiles {
  const { graph, data, from, derive, optimization } = manifest.variants[variant]!;
  const name = (path: string) => path.slice(path.lastIndexOf("/") + 1);
  const stored = data.map((path) => ({ path: name(path), data: files.get(path)! }));
  const base = from === undefined ? undefined : files.get(manifest.variants[from]!.data[0] ?? "");
  const derived =
    derive === undefined || base === undefined
      ? []
      : [{ path: name(derive.location), data: deriveInt8(base, derive) }];
  return { graph: files.get(graph)!, data: [...stored, ...derived], ...(optimization && { optimization }) };
}

function infoOf(
  { name, licence, vocab, tokens, maxCanvas, modes, recipes }: Manifest,
  variant: string,
  { kind, threads, reason }: BackendChoice,
  bundleBytes: number,
): Omit<EngineInfo, "warnings"> {
  return {
    name,
    licence,
    vocab,
    maskId: tokens.mask,
    maxCanvas,
    bundleBytes,
    modes: Object.keys(modes),
    recipes: Object.keys(recipes),
    backend: kind,
    threads,
    variant,
    reason: `${reason} Weights: ${variant}.`,
  };
}

function lossOf(device: GPUDevice): Promise<never> {
  const lost = device.lost.then(({ message }) => {
    throw new UnmaskError("device-lost", `The GPU was taken away${message === "" ? "" : `: ${message}`}.`);
  });
  lost.catch(() => {});
  return lost;
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new UnmaskError("aborted", "Loading the model was stopped.");
}
