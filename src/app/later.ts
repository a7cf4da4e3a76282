/**
 * Runs `work` at once, or some frames later; what asks for one frame does not put off what waits already, what asks for
 * more does. Of several calls until then one is left.
 */
export function inLaterFrame(work: () => void): (frames: number) => void {
  let pending = 0;
  const wait = (frames: number): void => {
    cancelAnimationFrame(pending);
    pending = frames === 0 ? 0 : requestAnimationFrame(() => wait(frames - 1));
    if (frames === 0) work();
  };
  return (frames) => {
    if (frames !== 1 || pending === 0) wait(frames);
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
