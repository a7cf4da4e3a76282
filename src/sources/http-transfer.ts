import { UnmaskError } from "../core/errors.ts";
import { aborted, Cut, type Patience, pauseAfter } from "./patience.ts";

/** Bytes `[start, end)` of a file; without `end` up to its last. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** An answer whose status says that it holds a file, or a part of one. */
export interface Transfer {
  readonly response: Response;
  /** The body, under the watch of the patience. Must be read to its end or left by `return`. */
  readonly parts: AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;
}

/**
 * One request, without a Range header for a whole file. A single range needs no CORS preflight as long as no other header
 * is sent, so none is.
 *
 * @throws Cut for what may pass: the network, stalls, 5xx, 408, 429
 * @throws UnmaskError `not-found`, `source-blocked`, `file-truncated`, `download-failed`
 */
export async function openTransfer(
  url: string,
  range: ByteRange | undefined,
  signal: AbortSignal,
  patience: Patience,
): Promise<Transfer> {
  if (signal.aborted) throw aborted();
  const stalled = new AbortController();
  const watch = watcher(stalled, patience);
  const last = range?.end === undefined ? "" : range.end - 1;
  const headers = range === undefined ? {} : { Range: `bytes=${range.start}-${last}` };
  const options = { headers, signal: AbortSignal.any([signal, stalled.signal]) };
  const response = await watch(0, () => fetch(url, options));
  try {
    refuse(response, url, range?.start ?? 0);
  } catch (error) {
    await response.body?.cancel().catch(() => {});
    throw error;
  }
  return { response, parts: bodyOf(response, watch) };
}

type Watch = <T>(bytes: number, step: () => Promise<T>) => Promise<T>;

/** Ends a transfer in which so much waiting brought too little; anything a step throws is a cut. */
function watcher(stalled: AbortController, { stallMs, floorBytes, alarm }: Patience): Watch {
  let left = stallMs;
  let got = 0;
  return async (bytes, step) => {
    got += bytes;
    if (got >= floorBytes) {
      got = 0;
      left = stallMs;
    }
    const cancel = alarm(left, () => stalled.abort());
    const began = performance.now();
    try {
      return await step();
    } catch (cause) {
      const slow = got === 0 ? "no byte" : `only ${got} bytes`;
      const why = stalled.signal.aborted
        ? `${slow} in ${stallMs / 1000} s`
        : "the connection failed, is the network up";
      throw new Cut(why, { cause });
    } finally {
      cancel();
      left = Math.max(1, left - (performance.now() - began));
    }
  };
}

async function* bodyOf(response: Response, watch: Watch): Transfer["parts"] {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    let bytes = 0;
    for (;;) {
      const { done, value } = await watch(bytes, () => reader.read());
      if (done) return;
      bytes = value.length;
      yield value as Uint8Array<ArrayBuffer>; // fetch bodies are never shared memory
    }
  } finally {
    // Leaving early must end the transfer; after the end this does nothing.
    await reader.cancel().catch(() => {});
  }
}

/** Throws for every answer that holds no file. */
function refuse({ status, headers }: Response, url: string, start: number): void {
  if (status === 200 || status === 206) return;
  const detail = { url, status };
  // The hub answers 401 for what is not there, too, and tells the two apart in this header.
  const reason = headers.get("X-Error-Code") ?? "";
  if (status === 404 || status === 410 || /^(Repo|Revision|Entry)NotFound$/.test(reason)) {
    throw new UnmaskError("not-found", `There is no file at ${url}.`, { detail });
  }
  if (status === 401 || status === 403) {
    const why = reason === "GatedRepo" ? "its terms must be accepted first" : `the server answers ${status}`;
    const advice = "Download the files where you are signed in and give the folder instead.";
    throw new UnmaskError("source-blocked", `${url} is not for everyone: ${why}. ${advice}`, { detail });
  }
  if (status === 416) {
    throw new UnmaskError("file-truncated", `${url} ends before byte ${start}.`, { detail });
  }
  if (status >= 500 || status === 408 || status === 429) {
    const retryAfterMs = parseRetryAfter(headers.get("Retry-After"), Date.now());
    throw new Cut(`the server answers ${status}`, {
      status,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
  throw new UnmaskError("download-failed", `${url} answers ${status}, which is no file.`, { detail });
}

/** Milliseconds from `now` that a Retry-After header asks for: seconds or an HTTP date. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Where the answer begins and how long the whole file is, as far as the server lets us see. */
export function contentRange(response: Response): { start?: number; total?: number } {
  const [, start, total] =
    /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "") ?? [];
  return {
    ...(start !== undefined && { start: Number(start) }),
    ...(total !== undefined && total !== "*" && { total: Number(total) }),
  };
}

/**
 * A file from `start` to its end. Transfers that break are taken up where they stopped; a server without ranges sends
 * the file again and what was there is skipped.
 *
 * @throws UnmaskError `not-found`, `source-blocked`, `download-failed`, `file-truncated`, `aborted`
 */
export async function* streamUrl(
  url: string,
  signal: AbortSignal,
  start: number,
  patience: Patience,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let at = start;
  let mark = at;
  for (let failures = 0; ; failures++) {
    try {
      const { response, parts } = await openTransfer(
        url,
        at > 0 ? { start: at } : undefined,
        signal,
        patience,
      );
      let skip = at - firstByte(response, url, at);
      for await (const part of parts) {
        if (part.length <= skip) {
          skip -= part.length;
          continue;
        }
        const fresh = part.subarray(skip);
        skip = 0;
        at += fresh.length;
        yield fresh;
      }
      return;
    } catch (cause) {
      if (at - mark >= patience.floorBytes) failures = 0;
      mark = at;
      await pauseAfter(cause, failures, { url, got: at, signal, patience });
    }
  }
}

/** Offset of the first byte of an answer; another origin may hide it, then the hashes tell if it was another range. */
function firstByte(response: Response, url: string, asked: number): number {
  if (response.status === 200) return 0;
  const start = contentRange(response).start ?? asked;
  if (start <= asked) return start;
  throw new UnmaskError("download-failed", `${url} answers with bytes from ${start}, not from ${asked}.`, {
    detail: { url, status: response.status },
  });
}
