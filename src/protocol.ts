import type { GenerateEvent, LoadEvent } from "./core/events.ts";
import type { GenerateOptions, Job } from "./core/job.ts";

/** Where a model runs and why: shown to the user and printed with `--json`. */
export type BackendKind = "webgpu" | "wasm";

export interface EngineInfo {
  readonly name: string;
  readonly licence: string;
  readonly vocab: number;
  readonly maskId: number;
  readonly maxCanvas: number;
  readonly bundleBytes: number;
  readonly modes: readonly string[];
  readonly recipes: readonly string[];
  readonly backend: BackendKind;
  readonly threads: number;
  /** Variant of the weights in use: q4, q8, f32, int8. */
  readonly variant: string;
  /** One sentence: why this backend and variant. */
  readonly reason: string;
}

export interface LoadOptions {
  /** `auto`: a real WebGPU adapter, else WASM. `webgpu` also accepts a software adapter when `allowSoftware` is set. */
  readonly backend?: "auto" | BackendKind;
  readonly allowSoftware?: boolean;
  readonly variant?: string;
  readonly threads?: number;
}

/** The worker as the page sees it (through comlink). A job is named by the caller: an AbortSignal cannot be posted. */
export interface EngineApi {
  load(model: string, options: LoadOptions, report: (event: LoadEvent) => void): Promise<EngineInfo>;
  run(id: string, job: Job, emit: (event: GenerateEvent) => void): Promise<void>;
  abort(id: string): void;
  /** Holds a running job before its next forward, lets it go on, or lets exactly one step through. */
  control(id: string, action: "pause" | "resume" | "step"): void;
  dispose(): Promise<void>;
}

/** An opened model, the same in the browser (over the worker) and on Node (direct). */
export interface Engine extends AsyncDisposable {
  readonly info: EngineInfo;
  generate(
    prompt: string,
    options?: GenerateOptions & { readonly signal?: AbortSignal },
  ): AsyncIterable<GenerateEvent>;
  infill(
    text: string,
    options?: GenerateOptions & { readonly signal?: AbortSignal },
  ): AsyncIterable<GenerateEvent>;
}
