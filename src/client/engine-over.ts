import type { Companion } from "../core/companion.ts";
import { UnmaskError } from "../core/errors.ts";
import type { GenerateEvent } from "../core/events.ts";
import type { Candidate, Job, ScoreFunction } from "../core/job.ts";
import type { Engine, EngineApi, EngineInfo, RunOptions } from "../protocol.ts";
import { createStream } from "./stream.ts";

/** How an {@link EngineApi} is reached: directly, or over a port where callbacks must be wrapped. */
export interface EngineLink {
  readonly api: {
    run(
      id: string,
      job: Job,
      emit: (event: GenerateEvent) => void,
      held: boolean,
      score?: ScoreTexts,
      companion?: Companion,
    ): Promise<void>;
    abort: (id: string) => unknown;
    control: (id: string, action: Parameters<EngineApi["control"]>[1]) => unknown;
  };
  /** Frees the model and whatever carries the link. */
  close(): Promise<void>;
}

type ScoreTexts = (candidates: readonly Candidate[]) => Promise<readonly number[]>;

/** The {@link Engine} people use, over a loaded {@link EngineApi}. Its methods need no `this`. */
export function engineOver({ api, close }: EngineLink, info: EngineInfo): Engine {
  let jobs = 0;
  let closed: Promise<void> | undefined;
  const running = new Map<string, (error?: unknown) => void>();

  const start = (
    makeJob: (options: RunOptions) => Job,
    options: RunOptions,
  ): AsyncIterable<GenerateEvent> => {
    const id = `job-${++jobs}`;
    const stopping = new AbortController();
    const abort = () => {
      void api.abort(id);
      stopping.abort();
    };
    const stream = createStream<GenerateEvent>(abort);
    const finish = (error?: unknown) => {
      stopping.abort();
      options.signal?.removeEventListener("abort", abort);
      running.delete(id);
      stream.end(error);
    };
    if (closed !== undefined) {
      finish(new UnmaskError("disposed", "This engine was closed; open the model again."));
      return stream;
    }
    running.set(id, finish);
    const { signal, held, score, companion, ...plain } = options;
    const scores = score === undefined ? undefined : scoreAll(score, stopping.signal);
    api.run(id, makeJob(plain), stream.push, held === true, scores, companion).then(() => finish(), finish);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    return stream;
  };
  const steer = (action: "pause" | "resume" | "step") => () => {
    for (const id of running.keys()) void api.control(id, action);
  };
  return {
    info,
    generate: (prompt, options = {}) =>
      start((plain) => ({ kind: "generate", prompt, options: plain }), options),
    infill: (text, options = {}) => start((plain) => ({ kind: "infill", text, options: plain }), options),
    pause: steer("pause"),
    resume: steer("resume"),
    step: steer("step"),
    [Symbol.asyncDispose]: () => {
      closed ??= (async () => {
        for (const finish of [...running.values()]) {
          finish(new UnmaskError("disposed", "The engine was closed while it was writing."));
        }
        await close();
      })();
      return closed;
    },
  };
}

/** Scores texts one after the other; a stop ends the wait even when the function never answers. */
function scoreAll(score: ScoreFunction, stopped: AbortSignal): ScoreTexts {
  const end = new Promise<never>((_, reject) => {
    const abort = () => reject(new UnmaskError("aborted", "The search was stopped."));
    stopped.addEventListener("abort", abort, { once: true });
  });
  // Nobody may be waiting when it is stopped.
  end.catch(() => {});
  return async (candidates) => {
    const values: number[] = [];
    for (const candidate of candidates) values.push(await Promise.race([score(candidate), end]));
    return values;
  };
}
