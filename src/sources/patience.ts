import { UnmaskError } from "../core/errors.ts";

/** How long a slow or failing server is borne with. */
export interface Patience {
  /** A transfer that brings fewer than `floorBytes` in so long counts as cut. */
  readonly stallMs: number;
  /** Keeps a server that drips a byte at a time from holding a reader for ever. */
  readonly floorBytes: number;
  /** Pauses before the tries that follow a failure; a try that brings enough bytes starts the list anew. */
  readonly pausesMs: readonly number[];
  /** The longest pause that a server may ask for with Retry-After; one that asks for more has failed. */
  readonly maxPauseMs: number;
  /** Rings once after so long, unless the returned function is called before. */
  alarm(ms: number, ring: () => void): () => void;
  /** Waits, and rejects with `aborted` once the signal says so. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export const PATIENCE: Patience = {
  stallMs: 20_000,
  floorBytes: 4096,
  pausesMs: [500, 1500, 4500],
  maxPauseMs: 60_000,
  alarm: (ms, ring) => {
    const timer = setTimeout(ring, ms);
    return () => clearTimeout(timer);
  },
  pause: sleep,
};

/** A failure after which it makes sense to ask once more. */
export class Cut extends Error {
  /** What the server asked for, when it did. */
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number; readonly status?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
  }
}

/**
 * Waits after a failed try, or throws when there is no next one.
 *
 * @param failures tries that failed in a row before this one
 * @param got bytes that arrived so far, for the message
 * @throws UnmaskError `aborted`, `download-failed`; anything that is not a {@link Cut} passes unchanged
 */
export async function pauseAfter(
  cause: unknown,
  failures: number,
  { url, got, signal, patience }: { url: string; got: number; signal: AbortSignal; patience: Patience },
): Promise<void> {
  if (signal.aborted) throw aborted();
  if (!(cause instanceof Cut)) throw cause;
  const pause = patience.pausesMs[failures];
  const wait = Math.max(pause ?? 0, cause.retryAfterMs ?? 0);
  if (pause === undefined || (cause.retryAfterMs ?? 0) > patience.maxPauseMs) {
    const asked = cause.retryAfterMs === undefined ? undefined : Math.ceil(cause.retryAfterMs / 1000);
    const later = asked === undefined ? "" : ` It asks to come back in ${asked} s.`;
    throw new UnmaskError("download-failed", `${url} could not be downloaded: ${cause.message}.${later}`, {
      detail: {
        url,
        bytes: got,
        ...(cause.status !== undefined && { status: cause.status }),
        ...(asked !== undefined && { retryAfterSeconds: asked }),
      },
      cause,
    });
  }
  await patience.pause(wait, signal);
}

export function aborted(): UnmaskError {
  return new UnmaskError("aborted", "The download was stopped.");
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
