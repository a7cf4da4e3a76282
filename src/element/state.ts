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
  const { position = 0, masksLeft = 0, nfe = 0, ms = 0, committed = 0 }: Partial<Frame> = frame ?? {};
  return {
    phase,
    step: position,
    steps,
    playing,
    masksLeft,
    forwards: nfe,
    tokensPerSecond: ms === 0 ? 0 : (committed / ms) * 1000,
  };
}
