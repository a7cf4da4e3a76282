import { releaseProxy, transferHandlers } from "comlink";
import type { Companion } from "./core/companion.ts";
import { type ErrorDetail, isUnmaskError, UnmaskError, type UnmaskErrorCode } from "./core/errors.ts";
import type { GenerateEvent, LoadEvent } from "./core/events.ts";
import type { Candidate, GenerateOptions, Job, ScoreFunction } from "./core/job.ts";

/** Where a model runs and why: shown to the user and printed with `--json`. */
export type BackendKind = "webgpu" | "wasm";

/** What was opened, and where and why it runs. */
export interface EngineInfo {
  readonly name: string;
  readonly licence: string;
  readonly vocab: number;
  readonly maskId: number;
  readonly maxCanvas: number;
  readonly bundleBytes: number;
  readonly modes: readonly string[];
  /** The model has a chat template, of a known family or its own. */
  readonly chat: boolean;
  readonly recipes: readonly string[];
  readonly backend: BackendKind;
  readonly threads: number;
  /** Variant of the weights in use: q4, q8, f32, int8; in f16 q4f16, q8f16, f16. */
  readonly variant: string;
  /** One sentence: why this backend and variant. */
  readonly reason: string;
  /** Largest logit error of the golden forward, and the bundle's tolerance for it; absent without a golden record. */
  readonly selfTest?: { readonly maxError: number; readonly tolerance: number };
  /** Things that went wrong without stopping the load, such as storage that could not be used. */
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** How a model is opened; what is left out is chosen for this device. */
export interface LoadOptions {
  /** `auto`: a real WebGPU adapter, else WASM. `webgpu` also accepts a software adapter when `allowSoftware` is set. */
  readonly backend?: "auto" | BackendKind;
  readonly allowSoftware?: boolean;
  readonly variant?: string;
  readonly threads?: number;
  /**
   * Whether the canvases that a strategy asks for at once (guidance, drafts, texts of a search) share runs of the model.
   * Absent: on WebGPU, and on WASM as far as that is faster. The text is the same either way.
   */
  readonly batch?: boolean;
  /** Folder with onnxruntime's `.mjs` and `.wasm`, ending in a slash. Default: `ort/` beside the page. */
  readonly runtimeUrl?: string;
}

/** The worker as the page sees it (through comlink). A job is named by the caller: an AbortSignal cannot be posted. */
export interface EngineApi {
  load(model: string, options: LoadOptions, report: (event: LoadEvent) => void): Promise<EngineInfo>;
  /** Ends a load that is under way; `load` then rejects with `aborted`. */
  abortLoad(): void;
  /**
   * `held` jobs wait before their first forward until they are let go. `score` and `companion` are the caller's functions,
   * on the caller's thread: one message for all texts of a choice, or for a step.
   */
  run(
    id: string,
    job: Job,
    emit: (event: GenerateEvent) => void,
    held?: boolean,
    score?: (candidates: readonly Candidate[]) => Promise<readonly number[]>,
    companion?: Companion,
  ): Promise<void>;
  abort(id: string): void;
  /** Holds a running job before its next forward, lets it go on, or lets exactly one step through. */
  control(id: string, action: "pause" | "resume" | "step"): void;
  dispose(): Promise<void>;
}

/** Options of one run: those of the job, and what steers it from outside. */
export type RunOptions = GenerateOptions & {
  readonly signal?: AbortSignal;
  /** Begins held: `step()` or `resume()` lets it go. */
  readonly held?: boolean;
  /**
   * Scores the texts of the recipe's `search`, as its term `custom` (the only one unless the recipe names others). Runs
   * where it was written: a worker asks for it over its port, so it may close over anything.
   */
  readonly score?: ScoreFunction;
  /** A small autoregressive model for `guided` and for `init.from`, see `unmask/companion`. Runs where it was opened. */
  readonly companion?: Companion;
};

/**
 * An opened model, the same in the browser (over the worker) and on Node (direct). One job runs at a time; leaving the
 * loop over its events aborts it. `pause`, `resume` and `step` steer the running job and do nothing without one.
 */
export interface Engine extends AsyncDisposable {
  /** What was opened, and where it runs. */
  readonly info: EngineInfo;
  /**
   * Continues `prompt`. The last event is `done`, also of a run that `signal` ended. Leaving the loop early ends the run within one step.
   *
   * @throws UnmaskError while it is iterated: `busy` when another run is under way, or what is wrong with the request
   */
  generate(prompt: string, options?: RunOptions): AsyncIterable<GenerateEvent>;
  /** Fills the gaps of `text`: `[[8]]` takes 8 tokens, `[[?]]` as many as it needs. Else as {@link Engine.generate}. */
  infill(text: string, options?: RunOptions): AsyncIterable<GenerateEvent>;
  /** Holds the run before its next step; nothing without one. */
  pause(): void;
  /** Lets a held run go on. */
  resume(): void;
  /** Lets a held run take one step. */
  step(): void;
}

/** What an error looks like between the threads. */
interface WireError {
  readonly code: UnmaskErrorCode;
  readonly message: string;
  readonly detail: ErrorDetail;
  readonly stack?: string;
}

type WireThrow = { readonly unmask: WireError } | { readonly other: unknown };

/**
 * Makes comlink carry an {@link UnmaskError} whole: its own handler keeps only name, message and stack. Both threads
 * call this once before they talk; more calls change nothing.
 */
export function installErrorTransfer(): void {
  const inherited = transferHandlers.get("throw") as ThrowHandler | undefined; // comlink registers it on import
  if (inherited === undefined || inherited.unmask === true) return;
  const handler: ThrowHandler = {
    unmask: true,
    canHandle: inherited.canHandle,
    serialize(thrown) {
      if (isUnmaskError(thrown.value)) return [{ unmask: toWire(thrown.value) }, []];
      const [other, transfer] = inherited.serialize(thrown);
      return [{ other: other as unknown }, transfer];
    },
    deserialize(wire) {
      if ("unmask" in wire) throw fromWire(wire.unmask);
      return inherited.deserialize(wire.other as WireThrow); // what `inherited.serialize` made
    },
  };
  transferHandlers.set("throw", handler);
}

/** Lets go of a callback that came over a port, so that the port can be collected. Plain functions are left alone. */
export function releaseCallback(callback: object): void {
  (callback as { [releaseProxy]?: () => void })[releaseProxy]?.();
}

interface ThrowHandler {
  readonly unmask?: true;
  canHandle(value: unknown): value is { value: unknown };
  serialize(thrown: { value: unknown }): [WireThrow, Transferable[]];
  deserialize(wire: WireThrow): never;
}

function toWire({ code, message, detail, stack }: UnmaskError): WireError {
  return { code, message, detail, ...(stack === undefined ? {} : { stack }) };
}

function fromWire({ code, message, detail, stack }: WireError): UnmaskError {
  const error = new UnmaskError(code, message, { detail });
  if (stack !== undefined) error.stack = stack;
  return error;
}
