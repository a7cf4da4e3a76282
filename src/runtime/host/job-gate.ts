import type { JobControl } from "../../core/job.ts";

/** Steers one running job: stop it, hold it before its next forward, or let exactly one forward through. */
export interface JobGate extends Required<JobControl> {
  abort(): void;
  pause(): void;
  resume(): void;
  step(): void;
}

export function createGate(held: boolean): JobGate {
  let open = !held;
  let passes = 0;
  let stopped = false;
  let wake: (() => void) | undefined;
  const isHeld = () => !open && !stopped && passes === 0;
  const signal = () => {
    wake?.();
    wake = undefined;
  };
  return {
    stop: () => stopped,
    held: isHeld,
    async gate() {
      while (isHeld()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (!open && passes > 0) passes--;
    },
    abort() {
      stopped = true;
      signal();
    },
    pause() {
      open = false;
    },
    resume() {
      open = true;
      passes = 0;
      signal();
    },
    step() {
      open = false;
      passes++;
      signal();
    },
  };
}
