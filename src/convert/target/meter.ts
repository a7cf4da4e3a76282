/** Before so long a rate is a guess. */
const SETTLED_MS = 2000;

/**
 * Progress as text: `37 % of 413 MB, 2 min left`. The rate counts from `began`, so what an earlier run did makes it no
 * faster than it is.
 */
export function createMeter(
  total: number,
  began: number,
  now: () => number = () => performance.now(),
): (done: number) => string {
  const start = now();
  return (done) => {
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    const elapsed = now() - start;
    const share = `${percent} % of ${Math.max(1, Math.round(total / 1e6))} MB`;
    if (elapsed < SETTLED_MS || done <= began || done >= total) return share;
    return `${share}, ${duration(((total - done) * elapsed) / (done - began))} left`;
  };
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
