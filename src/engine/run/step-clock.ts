import type { StepTime } from "../../core/events.ts";
import type { ForwardTime } from "../../core/types.ts";

/** Splits the wall time of a run into the phases of its steps: every moment belongs to one of them, or is left out. */
export interface StepClock {
  /** What has passed since the last call belongs to a phase. */
  lap(phase: keyof StepTime): void;
  /** What has passed was the answer to a forward; what its parts do not explain, others kept it waiting. */
  forward(parts: ForwardTime | undefined): void;
  /** What has passed belongs to no step: somebody was waited for. */
  skip(): void;
  /** The phases since the last call, as part of an event; nothing without a clock. */
  take(): { readonly time?: StepTime };
}

const ZERO: StepTime = { upload: 0, run: 0, readback: 0, decide: 0, display: 0 };

/** @param now a clock in milliseconds */
export function createStepClock(now: (() => number) | undefined): StepClock {
  let at = now?.() ?? 0;
  let sums = { ...ZERO };
  const passed = (): number => {
    const from = at;
    at = now?.() ?? 0;
    return at - from;
  };
  return {
    lap(phase) {
      sums[phase] += passed();
    },
    forward(parts) {
      const wall = passed();
      const { upload, run, readback } = parts ?? { upload: 0, run: wall, readback: 0 };
      sums.upload += upload;
      sums.run += run;
      sums.readback += readback;
      sums.display += Math.max(0, wall - upload - run - readback);
    },
    skip() {
      passed();
    },
    take() {
      if (now === undefined) return {};
      const { upload, run, readback, decide, display } = sums;
      sums = { ...ZERO };
      return {
        time: {
          upload: rounded(upload),
          run: rounded(run),
          readback: rounded(readback),
          decide: rounded(decide),
          display: rounded(display),
        },
      };
    },
  };
}

/** To a hundredth of a millisecond: a step message stays small. */
function rounded(ms: number): number {
  return Math.round(100 * ms) / 100;
}
