/** The lock manager of the origin; undefined in Node and on pages without a secure context. */
function manager(): LockManager | undefined {
  return globalThis.navigator?.locks as LockManager | undefined;
}

/**
 * Runs `job` while this tab holds the lock `name`; waits for its turn. Where there are no locks there is nobody to share
 * with, and the job runs at once.
 *
 * @param signal ends the wait; the promise then rejects with the signal's reason
 */
export async function withLock<T>(
  name: string,
  { mode = "exclusive", signal }: { readonly mode?: LockMode; readonly signal?: AbortSignal },
  job: () => Promise<T>,
): Promise<T> {
  const locks = manager();
  if (locks === undefined) return job();
  return (await locks.request(name, { mode, ...(signal === undefined ? {} : { signal }) }, job)) as T; // the job's own
}

/** {@link withLock} if nobody holds the lock now; otherwise `job` does not run. */
export async function ifUnlocked(name: string, job: () => Promise<void>): Promise<void> {
  const locks = manager();
  if (locks === undefined) return job();
  await locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock !== null) await job();
  });
}

const GPU = "unmask-gpu";
/** The tab that had the GPU may just be closing, or loading anew. */
const GPU_PATIENCE_MS = 1500;

/**
 * Makes this tab the one of its origin that has a model on the GPU: two of them would share its memory and slow each
 * other down. @returns what gives it back; undefined while another tab has it
 */
export async function claimGpu(): Promise<(() => void) | undefined> {
  const locks = manager();
  if (locks === undefined) return () => {};
  return new Promise((resolve) => {
    const held = () => new Promise<void>((release) => resolve(release));
    locks
      .request(GPU, { signal: AbortSignal.timeout(GPU_PATIENCE_MS) }, held)
      .catch(() => resolve(undefined));
  });
}
