import { UnmaskError } from "../../core/errors.ts";
import type { LoadEvent } from "../../core/events.ts";
import type { Denoiser } from "../../core/types.ts";
import type { Manifest } from "../../model/manifest.ts";
import { weightsOf } from "../../model/variant.ts";
import type { EngineInfo, LoadOptions } from "../../protocol.ts";
import { batchLimits } from "../forward/batch-limits.ts";
import { createDenoiser } from "../forward/denoiser.ts";
import { watchFaults } from "../gpu/gpu-faults.ts";
import { lazySession } from "../graph/lazy-session.ts";
import { claimThreads } from "../graph/session.ts";
import type { BackendChoice } from "../ort/backend-choice.ts";
import type { Platform } from "../platform/platform.ts";
import { type JinjaSource, jinjaSource, TEMPLATE_FILE } from "../template/jinja-chat.ts";
import { createTokenizer, type TextTokenizer } from "../tokenizer/tokenizer.ts";
import { chooseBackend, chooseVariants } from "./backend.ts";
import { fetchFiles, readManifest } from "./bundle.ts";
import { neededFiles, openBlending, openFirst, TOKENIZER, TOKENIZER_CONFIG } from "./open-variant.ts";
import { testBatch } from "./self-test.ts";
import { startRuntime } from "./start-runtime.ts";

/** A model that is ready: nothing here exists before it works. */
export interface LoadedModel {
  readonly info: EngineInfo;
  /** With the weights that are open: filters differ by them. */
  readonly manifest: Manifest & { readonly variant: string };
  readonly denoiser: Denoiser;
  readonly tokenizer: TextTokenizer;
  readonly jinja: JinjaSource;
}

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
  const warn = (code: string, message: string) => {
    // Files of a second variant meet the same store.
    if (!warnings.some((warning) => warning.message === message)) warnings.push({ code, message });
  };
  const source = platform.openSource(model);
  const manifest = await readManifest(source, signal);
  const refused = platform.threads ? await platform.threadsRefused?.(options.runtimeUrl) : undefined;
  const able = refused === undefined ? platform : { ...platform, threads: false, noThreadsReason: refused };
  const backend = await chooseBackend(options, able, manifest.vocab);
  const ortLoading = platform
    .loadOrt(backend.kind, options.runtimeUrl)
    .then((loaded) => startRuntime(loaded, backend))
    .catch((cause: unknown) => {
      throw new UnmaskError("backend-unavailable", `onnxruntime could not be loaded: ${String(cause)}`, {
        cause,
      });
    });
  ortLoading.catch(() => {});
  const { device } = backend;
  const lost = device === undefined ? undefined : lossOf(device);
  const faults = device === undefined ? undefined : watchFaults(device);
  try {
    const variants = chooseVariants(manifest, options.variant, backend);
    const needed = neededFiles(manifest, variants[0]);
    const store = await platform.openStore().catch((cause: unknown) => {
      warn("storage-failed", `The browser does not keep the model for the next visit: ${String(cause)}`);
      return undefined;
    });
    const transfer = { source, manifest, store, signal, report, warn };
    const files = await fetchFiles(needed, transfer);
    const tokenizer = createTokenizer(files.get(TOKENIZER)!, files.get(TOKENIZER_CONFIG), manifest.vocab);
    const place = { ...transfer, manifest, backend, ort: ortLoading, lost, faults };
    const { variant, session, rows, openBuffers, test, bytes } = await openFirst(variants, place, files);
    const threads = claimThreads(backend.threads);
    if (backend.kind === "wasm" && threads !== backend.threads) {
      warn("threads-fixed", `WASM keeps the ${threads} threads it was started with.`);
    }
    if (test === undefined) {
      warn(
        "no-self-test",
        `The bundle has no golden forward for ${variant}, so its numbers were not checked.`,
      );
    }
    const free = () => device?.destroy();
    const check = () => faults?.check();
    // WASM computes several canvases as it computes one; kernels of a GPU may not.
    const trying =
      device === undefined || options.batch === false ? undefined : testBatch(session, manifest, variant);
    const refused = await Promise.race([trying, ...(lost ? [lost] : [])]);
    if (refused !== undefined) warn("batch-refused", `Texts are computed one at a time: ${refused}.`);
    const batch = batchLimits({
      refused,
      backend: backend.kind,
      variant,
      asked: options.batch,
      manifest,
      session,
      rows,
      openBuffers,
    });
    const blending = lazySession((signal) =>
      openBlending(variant, { ...place, signal, report: () => {}, warn: () => {} }),
    );
    const parts = { session, blending, rows, manifest, openBuffers, batch, free, check };
    const denoiser = createDenoiser({ ...parts, blocks: device === undefined, ...(lost ? { lost } : {}) });
    const jinja = jinjaSource(manifest, files.get(TOKENIZER_CONFIG), files.get(TEMPLATE_FILE));
    const chat = manifest.chat !== undefined || jinja.template !== undefined;
    const info = infoOf(manifest, variant, { ...backend, threads }, bytes);
    return {
      manifest: { ...manifest, variant: weightsOf(variant) },
      denoiser,
      tokenizer,
      jinja,
      info: { ...info, chat, warnings, ...(test ? { selfTest: test } : {}) },
    };
  } catch (error) {
    device?.destroy();
    throw error;
  }
}

function infoOf(
  { name, licence, vocab, tokens, maxCanvas, modes, recipes }: Manifest,
  variant: string,
  { kind, threads, reason }: BackendChoice,
  bundleBytes: number,
): Omit<EngineInfo, "warnings" | "chat"> {
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
