import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import type { GenerateEvent, LoadEvent } from "../core/events.ts";
import type { GenerateOptions } from "../core/job.ts";
import { hasGaps } from "../engine/ask/gap-pattern.ts";
import type { Engine, EngineInfo, LoadOptions } from "../protocol.ts";
import { createEngineSlot } from "./engine-slot.ts";
import type { RunAbout, RunLog } from "./run-log.ts";
import type { ElementPhase } from "./state.ts";

/** How a run ended: its text, its tokens and what it cost. */
export type DoneEvent = Extract<GenerateEvent, { type: "done" }>;

/** Options of one run; what is absent comes from the attributes, then from the bundle. */
export type SheetOptions = GenerateOptions & { readonly prompt?: string };

/** The element, as its runs see it. */
export interface RunHost {
  disabled(): boolean;
  model(): string | null;
  loadOptions(): LoadOptions;
  openWorker(): Worker | undefined;
  /** Prompt and options of the attributes. @throws UnmaskError `invalid-options` */
  defaults(): SheetOptions;
  /** A run begins; its events go into the log that is returned. */
  begin(about: Partial<RunAbout>): RunLog;
  take(event: GenerateEvent): void;
  progress(event: LoadEvent): void;
  /** The phase changed. */
  changed(): void;
  ended(type: "unmask-done" | "unmask-error", detail: DoneEvent | UnmaskError): void;
}

/** Loads and runs of one element, one at a time. Failures are told to the host and thrown. */
export interface Runs {
  readonly phase: ElementPhase;
  readonly busy: boolean;
  /** What is known of the loaded model. */
  readonly info: EngineInfo | undefined;
  /** Nothing runs: what stands on the sheet came from elsewhere. */
  rest(phase: ElementPhase): void;
  fail(cause: unknown): void;
  load(): Promise<EngineInfo>;
  write(kind: "generate" | "infill", options: SheetOptions): Promise<DoneEvent>;
  step(options: SheetOptions): Promise<DoneEvent> | undefined;
  hold(): void;
  /** Lets a held run go on; false when none is. */
  release(): boolean;
  abort(): void;
  close(): void;
}

/** After these the engine is not trusted again: the next run opens it anew. */
const BROKEN = new Set(["internal", "device-lost", "out-of-memory", "disposed"]);

export function createRuns(host: RunHost): Runs {
  const engine = createEngineSlot(host);
  let phase: ElementPhase = "empty";
  let controller: AbortController | undefined;

  const enter = (next: ElementPhase): void => {
    phase = next;
    host.changed();
  };
  const open = (signal: AbortSignal): Promise<Engine> => engine.open(signal, () => enter("loading"));
  const fail = (cause: unknown): void => {
    const error = toUnmaskError(cause);
    if (BROKEN.has(error.code)) void engine.close();
    enter("error");
    host.ended("unmask-error", error);
  };
  const run = async (
    kind: "generate" | "infill",
    options: SheetOptions,
    held: boolean,
  ): Promise<DoneEvent> => {
    if (controller !== undefined)
      throw new UnmaskError("busy", "This sheet is already writing. Stop it first.");
    const own = new AbortController();
    controller = own;
    try {
      if (host.disabled()) throw new UnmaskError("usage", "This sheet is disabled.");
      const { prompt = "", ...asked } = { ...host.defaults(), ...options };
      const opened = await open(own.signal);
      const log = host.begin({ model: opened.info.name, prompt: { text: prompt, ids: [] } });
      enter(held ? "held" : "generating");
      const events = opened[kind](prompt, { ...asked, signal: own.signal, ...(held ? { held } : {}) });
      if (held) engine.steer("step");
      for await (const event of events) host.take(event);
      if (log.done === undefined) throw new UnmaskError("internal", "The run ended without a last event.");
      enter("done");
      host.ended("unmask-done", log.done);
      return log.done;
    } catch (error) {
      fail(error);
      throw error;
    } finally {
      if (controller === own) controller = undefined;
    }
  };
  const hold = (): void => {
    if (phase !== "generating") return;
    engine.steer("pause");
    enter("held");
  };

  return {
    get phase() {
      return phase;
    },
    get busy() {
      return controller !== undefined;
    },
    get info() {
      return engine.info;
    },
    rest: enter,
    fail,
    async load() {
      const alone = controller === undefined;
      const own = controller ?? new AbortController();
      const before = phase;
      controller = own;
      try {
        const { info } = await open(own.signal);
        if (alone) enter(before === "done" ? "done" : "ready");
        return info;
      } catch (error) {
        if (alone) fail(error);
        throw error;
      } finally {
        if (alone) controller = undefined;
      }
    },
    write: (kind, options) => run(kind, options, false),
    step(options) {
      if (controller === undefined) {
        const text = options.prompt ?? host.defaults().prompt ?? "";
        return run(hasGaps(text) ? "infill" : "generate", options, true);
      }
      if (phase === "held") engine.steer("step");
      else hold();
      return undefined;
    },
    hold,
    release() {
      if (phase !== "held") return false;
      enter("generating");
      engine.steer("resume");
      return true;
    },
    abort: () => controller?.abort(),
    close: () => void engine.close(),
  };
}
