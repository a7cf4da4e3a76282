import type { GraphSession } from "./session.ts";

/** A session that is opened when it is first asked for. */
export interface LazySession {
  /** Rejects with whatever opening it throws; asked again, it is tried again. */
  get(): Promise<GraphSession>;
  /** Frees it, also while it is being opened; one that nobody asked for costs nothing. */
  release(): Promise<void>;
}

/** @param open rejects when its signal is aborted, with nothing left open */
export function lazySession(open: (signal: AbortSignal) => Promise<GraphSession>): LazySession {
  const closing = new AbortController();
  let opening: Promise<GraphSession> | undefined;
  return {
    get() {
      opening ??= open(closing.signal).catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    async release() {
      closing.abort();
      const session = await opening?.catch(() => undefined);
      await session?.release();
    },
  };
}
