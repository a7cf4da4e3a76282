import { toUnmaskError, UnmaskError } from "../../core/errors.ts";
import type { GenerateEvent } from "../../core/events.ts";
import { runJob } from "../../engine/run/run-job.ts";
import { type EngineApi, releaseCallback } from "../../protocol.ts";
import { openRestoringModel, type RestoringModel } from "../open/restoring-model.ts";
import type { Platform } from "../platform/platform.ts";
import { encodeChat } from "../template/jinja-chat.ts";
import { createGate, type JobGate } from "./job-gate.ts";

interface RunningJob {
  readonly gate: JobGate;
  readonly ended: Promise<void>;
}

/**
 * The worker's side of {@link EngineApi}: one model, one job at a time. A second load replaces the first; a job that
 * was told to stop is waited for, any other makes the next one `busy`.
 */
export function createHost(platform: Platform): EngineApi {
  let model: RestoringModel | undefined;
  let loading: AbortController | undefined;
  const jobs = new Map<string, RunningJob>();

  const endAll = async () => {
    for (const job of jobs.values()) job.gate.abort();
    await Promise.all([...jobs.values()].map((job) => job.ended));
    const closing = model;
    model = undefined;
    await closing?.denoiser.dispose();
  };
  return {
    async load(address, options, report) {
      loading?.abort();
      const controller = new AbortController();
      loading = controller;
      try {
        await endAll();
        const loaded = await openRestoringModel(platform, address, options, report, controller.signal);
        if (controller.signal.aborted) {
          await loaded.denoiser.dispose();
          throw new UnmaskError("aborted", "Loading the model was stopped.");
        }
        model = loaded;
        return loaded.info;
      } catch (error) {
        throw toUnmaskError(error);
      } finally {
        if (loading === controller) loading = undefined;
        releaseCallback(report);
      }
    },
    abortLoad: () => loading?.abort(),
    async run(id, job, emit, held = false, score = undefined, companion = undefined) {
      const gate = createGate(held);
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      const before = [...jobs.values()];
      jobs.set(id, { gate, ended });
      try {
        if (before.some((other) => !other.gate.stop())) {
          throw new UnmaskError("busy", "A text is already being written. Stop it first.");
        }
        await Promise.all(before.map((other) => other.ended));
        if (model === undefined) throw new UnmaskError("disposed", "No model is open.");
        const { denoiser } = model;
        let step = 0;
        denoiser.watch((why) => void emit({ type: "cache", step, scope: "all", why }));
        const tell = (event: GenerateEvent): unknown => {
          if (event.type === "step") step = event.step + 1;
          return emit(event);
        };
        const control = {
          ...gate,
          now: () => performance.now(),
          ...(score === undefined ? {} : { score }),
          ...(companion === undefined ? {} : { companion }),
        };
        const encoded = await encodeChat(job, model, platform);
        await pump(runJob(encoded, model, control), tell).finally(() => denoiser.watch(undefined));
      } catch (error) {
        throw toUnmaskError(error);
      } finally {
        jobs.delete(id);
        end();
        releaseCallback(emit);
        if (score !== undefined) releaseCallback(score);
        if (companion !== undefined) releaseCallback(companion);
      }
    },
    abort: (id) => jobs.get(id)?.gate.abort(),
    control: (id, action) => jobs.get(id)?.gate[action](),
    async dispose() {
      loading?.abort();
      await endAll();
    },
  };
}

/**
 * Forwards every event. Between two events the worker's message queue gets its turn, so that a stop arrives even when
 * the forwards never yield. The last event is waited for: it travels on another port than the end of the job.
 */
async function pump(
  events: AsyncIterable<GenerateEvent>,
  emit: (event: GenerateEvent) => unknown,
): Promise<void> {
  let last: unknown;
  try {
    for await (const event of events) {
      last = emit(event);
      if (event.type === "step") await breathe();
    }
  } finally {
    await last;
  }
}

function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
