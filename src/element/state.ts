import type { Frame } from "./run-log.ts";

/**
 * What the element is doing; each is also a custom state.
 *
 * @cssstate empty - Nothing has happened.
 * @cssstate loading - The model is being opened.
 * @cssstate ready - The model is open.
 * @cssstate generating - A run is under way.
 * @cssstate held - A run waits for its next step.
 * @cssstate done - A run or a trace stands complete.
 * @cssstate error - The last load, run or trace failed.
 */
export type ElementPhase = "empty" | "loading" | "ready" | "generating" | "held" | "done" | "error";

/** What the element shows now; `state` of the element and `detail` of `unmask-step`. */
export interface ElementState {
  readonly phase: ElementPhase;
  /** Step on the sheet, 0 before the first; `steps` have happened. They differ while scrubbing. */
  readonly step: number;
  readonly steps: number;
  readonly masksLeft: number;
  readonly forwards: number;
  readonly tokensPerSecond: number;
  /** A finished run is being replayed. */
  readonly playing: boolean;
}

export function stateOf(
  phase: ElementPhase,
  frame: Frame | undefined,
  steps: number,
  playing: boolean,
): ElementState {
  return {
    phase,
    step: frame?.position ?? 0,
    steps,
    playing,
    masksLeft: frame?.masksLeft ?? 0,
    forwards: frame?.nfe ?? 0,
    tokensPerSecond: frame === undefined || frame.ms === 0 ? 0 : (frame.committed / frame.ms) * 1000,
  };
}
