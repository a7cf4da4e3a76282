/** Runs `work` at once, or after the current frame when `later` is set; of several calls until then one is left. */
export function inOwnTask(work: () => void): (later: boolean) => void {
  let pending: ReturnType<typeof setTimeout> | undefined;
  const run = (): void => {
    clearTimeout(pending);
    pending = undefined;
    work();
  };
  return (later) => {
    if (!later) run();
    else pending ??= setTimeout(run);
  };
}

/** Runs `work` at once, or not when `sparing` is set and it ran less than `ms` ago: the last call must not be. */
export function atMostEvery(ms: number, work: () => void): (sparing: boolean) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (sparing) => {
    const now = performance.now();
    if (sparing && now - last < ms) return;
    last = now;
    work();
  };
}
