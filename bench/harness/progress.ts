/** Progress of a run whose pieces cost unequal amounts of work. */
export interface Progress {
  /** Says what is being done. */
  begin(label: string): void;
  /** @param fresh false for work that an earlier run has done: it says nothing about speed */
  done(cost: number, fresh: boolean): void;
}

const BAR = 24;

/**
 * A bar, and the time left at the speed of the work done so far.
 *
 * @param total of the costs of all pieces
 * @param now a clock in milliseconds
 */
export function createProgress(total: number, now: () => number, show: (text: string) => void): Progress {
  let finished = 0;
  let measured = 0;
  const began = now();
  let label = "";
  const draw = () => {
    const share = total === 0 ? 1 : Math.min(1, finished / total);
    const filled = Math.round(BAR * share);
    const bar = "#".repeat(filled).padEnd(BAR, "-");
    const left =
      measured === 0
        ? ""
        : `, ${duration(((now() - began) * Math.max(0, total - finished)) / measured)} left`;
    show(`[${bar}] ${Math.floor(100 * share)} %${left}  ${label}`);
  };
  return {
    begin(text) {
      label = text;
      draw();
    },
    done(cost, fresh) {
      finished += cost;
      if (fresh) measured += cost;
      draw();
    },
  };
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
