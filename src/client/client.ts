import { proxy, type Remote, releaseProxy, wrap } from "comlink";
import type { Companion } from "../core/companion.ts";
import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import type { GenerateEvent, LoadEvent } from "../core/events.ts";
import type { Candidate, Job } from "../core/job.ts";
import { type Engine, type EngineApi, installErrorTransfer, type LoadOptions } from "../protocol.ts";
import { type EngineLink, engineOver } from "./engine-over.ts";
import { startWorker } from "./start-worker.ts";

/** What {@link openEngine} opens, and how. */
export interface OpenEngineOptions extends LoadOptions {
  /** URL or path of a bundle folder; a path is relative to the page. */
  readonly model: string;
  /** Ends the opening; the promise then rejects with `aborted`. */
  readonly signal?: AbortSignal;
  /** Called as files are downloaded, verified and compiled. */
  readonly onProgress?: (event: LoadEvent) => void;
  /** The worker to use, for pages that cannot start one from this module's address (other origins). */
  readonly worker?: Worker;
}

/**
 * Opens a model in a worker of its own and resolves when it can write.
 *
 * @throws UnmaskError
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const { model, signal, onProgress, worker: given, ...load } = options;
  throwIfAborted(signal);
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const worker = given ?? startWorker();
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", (event) => {
      reject(
        new UnmaskError("internal", `The worker stopped: ${event.message || "it could not be started"}.`),
      );
    });
  });
  try {
    return await connectEngine(
      worker,
      new URL(folder(model), base).href,
      { ...load, runtimeUrl: new URL(folder(load.runtimeUrl ?? "ort/"), base).href },
      { signal, onProgress, failed, close: () => worker.terminate() },
    );
  } catch (error) {
    worker.terminate();
    throw toUnmaskError(error);
  }
}

/** How {@link connectEngine} reports, is ended, and cleans up. */
export interface Connection {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: LoadEvent) => void) | undefined;
  /** Rejects when the other side dies. */
  readonly failed?: Promise<never> | undefined;
  close(): void;
}

/** {@link openEngine} over any port whose other side exposes an {@link EngineApi}. */
export async function connectEngine(
  port: Parameters<typeof wrap>[0],
  model: string,
  options: LoadOptions,
  { signal, onProgress, failed, close }: Connection,
): Promise<Engine> {
  installErrorTransfer();
  const remote = wrap<EngineApi>(port);
  let abort = (): void => {};
  // Compiling does not yield, so an abort is not left to the other side alone.
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      void remote.abortLoad();
      reject(new UnmaskError("aborted", "Opening the model was stopped."));
    };
  });
  aborted.catch(() => {});
  signal?.addEventListener("abort", abort, { once: true });
  const never = failed ?? new Promise<never>(() => {});
  // A dead worker answers nothing, so every wait races it; nobody may be waiting when it dies.
  never.catch(() => {});
  try {
    const report = proxy((event: LoadEvent) => onProgress?.(event));
    const info = await Promise.race([remote.load(model, options, report), never, aborted]);
    throwIfAborted(signal);
    return engineOver(linkTo(remote, never, close), info);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function linkTo(remote: Remote<EngineApi>, failed: Promise<never>, close: () => void): EngineLink {
  return {
    api: {
      run: (
        id: string,
        job: Job,
        emit: (event: GenerateEvent) => void,
        held: boolean,
        score?: (candidates: readonly Candidate[]) => Promise<readonly number[]>,
        companion?: Companion,
      ) => {
        const scores = score === undefined ? undefined : proxy(score);
        const reads = companion === undefined ? undefined : proxy(companion);
        return Promise.race([remote.run(id, job, proxy(emit), held, scores, reads), failed]);
      },
      abort: (id) => remote.abort(id),
      control: (id, action) => remote.control(id, action),
    },
    close: async () => {
      await Promise.race([remote.dispose(), failed]).catch(() => {});
      remote[releaseProxy]();
      close();
    },
  };
}

function folder(address: string): string {
  return address.endsWith("/") ? address : `${address}/`;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new UnmaskError("aborted", "Opening the model was stopped.");
}
