import type * as Library from "@huggingface/transformers";
import type { Companion } from "../core/companion.ts";
import { UnmaskError } from "../core/errors.ts";
import { type CausalModel, createReader } from "./reader.ts";

/** Which model {@link openCompanion} loads, and with what. */
export interface CompanionOptions {
  /** Folder in the layout of transformers.js: an address, or on Node an absolute path. */
  readonly model: string;
  /** Weights: `q8` (default), `q4`, `fp32`. */
  readonly dtype?: "q8" | "q4" | "fp32";
  /** WASM threads; the library's own choice when left out. */
  readonly threads?: number;
  /** Folder with onnxruntime's `.mjs` and `.wasm`, ending in a slash; browsers only. Default: the library's own. */
  readonly runtimeUrl?: string;
}

/** A loaded companion; disposing it frees the model. */
export interface OpenCompanion extends AsyncDisposable {
  readonly companion: Companion;
}

/**
 * Loads an autoregressive model with transformers.js, on WASM in a browser and on the CPU on Node. The library is an
 * optional dependency and is fetched here, not before.
 *
 * @throws UnmaskError `backend-unavailable` without the library, `not-found` when the model does not load
 */
export async function openCompanion(options: CompanionOptions): Promise<OpenCompanion> {
  const library = await loadLibrary();
  const { AutoModelForCausalLM, Tensor } = library;
  const { dtype = "q8" } = options;
  const model = await withSettings(library, options, (name) =>
    AutoModelForCausalLM.from_pretrained(name, { dtype }),
  ).catch((cause: unknown) => {
    throw new UnmaskError("not-found", `The companion ${options.model} does not load: ${String(cause)}`, {
      cause,
    });
  });
  const longs = (values: readonly number[]) =>
    new Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  const floats = (values: Float32Array, dims: readonly number[]) => new Tensor("float32", values, [...dims]);
  return {
    companion: createReader(model as unknown as CausalModel, { longs, floats }),
    [Symbol.asyncDispose]: async () => void (await model.dispose()),
  };
}

async function loadLibrary(): Promise<typeof Library> {
  try {
    return await import("@huggingface/transformers");
  } catch (cause) {
    throw new UnmaskError(
      "backend-unavailable",
      "A companion needs the package @huggingface/transformers, which is not installed.",
      { cause },
    );
  }
}

/**
 * The library finds models by settings of its own, for everyone: they are put back after the load. Nothing is asked of
 * its default hosts.
 */
async function withSettings<T>(
  { env }: typeof Library,
  { model, runtimeUrl, threads }: CompanionOptions,
  load: (name: string) => Promise<T>,
): Promise<T> {
  const address = model.replace(/[/\\]+$/, "");
  const cut = Math.max(address.lastIndexOf("/"), address.lastIndexOf("\\")) + 1;
  const before = { ...env };
  const wasm = env.backends.onnx.wasm;
  if (wasm !== undefined && runtimeUrl !== undefined) wasm.wasmPaths = runtimeUrl;
  if (wasm !== undefined && threads !== undefined) wasm.numThreads = threads;
  Object.assign(env, {
    allowLocalModels: true,
    allowRemoteModels: false,
    localModelPath: address.slice(0, cut),
    useBrowserCache: false,
    useWasmCache: false,
  });
  try {
    return await load(address.slice(cut));
  } finally {
    const { allowLocalModels, allowRemoteModels, localModelPath, useBrowserCache, useWasmCache } = before;
    Object.assign(env, {
      allowLocalModels,
      allowRemoteModels,
      localModelPath,
      useBrowserCache,
      useWasmCache,
    });
  }
}
