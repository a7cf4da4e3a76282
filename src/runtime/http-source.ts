import { UnmaskError } from "../core/errors.ts";
import type { BundleSource } from "./source.ts";

/** How long a slow or failing server is borne with. */
export interface Patience {
  /** Without a byte for so long, a transfer counts as cut. */
  readonly stallMs: number;
  /** Pauses before the tries that follow a failure; a try that brings bytes starts the list anew. */
  readonly pausesMs: readonly number[];
}

const PATIENCE: Patience = { stallMs: 20_000, pausesMs: [500, 1500, 4500] };

/**
 * A bundle folder on a web server. Cut connections, stalls and answers of 5xx, 408 and 429 are tried again, from the
 * byte where the transfer stopped; a server without ranges sends the file again, and what was there is skipped.
 */
export function httpSource(model: string, patience: Patience = PATIENCE): BundleSource {
  const base = model.endsWith("/") ? model : `${model}/`;
  if (!URL.canParse(base)) throw new UnmaskError("not-found", `"${model}" is not an address.`);
  return {
    name: base,
    read: (path, signal, start = 0) => readUrl(new URL(path, base).href, signal, start, patience),
  };
}

/** A failure after which it makes sense to ask once more. */
class Cut extends Error {}

async function* readUrl(
  url: string,
  signal: AbortSignal,
  start: number,
  { stallMs, pausesMs }: Patience,
): AsyncGenerator<Uint8Array> {
  let at = start;
  for (let failures = 0; ; failures++) {
    try {
      for await (const part of transfer(url, signal, at, stallMs)) {
        at += part.length;
        failures = 0;
        yield part;
      }
      return;
    } catch (cause) {
      if (signal.aborted) throw new UnmaskError("aborted", "Loading the model was stopped.");
      if (!(cause instanceof Cut)) throw cause;
      const pause = pausesMs[failures];
      if (pause === undefined) {
        throw new UnmaskError("download-failed", `${url} could not be downloaded: ${cause.message}.`, {
          detail: { url, bytes: at },
          cause,
        });
      }
      await sleep(pause, signal);
    }
  }
}

/** One request from `start` to the end of the file. */
async function* transfer(
  url: string,
  signal: AbortSignal,
  start: number,
  stallMs: number,
): AsyncGenerator<Uint8Array> {
  const stalled = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Ends the transfer when `step` takes too long; anything it throws is a cut. */
  const watch = async <T>(step: () => Promise<T>): Promise<T> => {
    timer = setTimeout(() => stalled.abort(), stallMs);
    try {
      return await step();
    } catch (cause) {
      const why = stalled.signal.aborted
        ? `no byte in ${stallMs / 1000} s`
        : "the connection failed, is the network up";
      throw new Cut(why, { cause });
    } finally {
      clearTimeout(timer);
    }
  };
  const headers = start > 0 ? { Range: `bytes=${start}-` } : {};
  const options = { headers, signal: AbortSignal.any([signal, stalled.signal]) };
  const response = await watch(() => fetch(url, options));
  let skip = skippedBytes(response, url, start);
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await watch(() => reader.read());
      if (done) return;
      if (value.length <= skip) skip -= value.length;
      else {
        yield value.subarray(skip);
        skip = 0;
      }
    }
  } finally {
    // Leaving early must end the transfer; after the end this does nothing.
    await reader.cancel().catch(() => {});
  }
}

/** Bytes at the beginning of the answer that were not asked for. Refuses answers that hold no file. */
function skippedBytes({ status, headers }: Response, url: string, start: number): number {
  const detail = { url, status };
  if (status === 404 || status === 410) {
    throw new UnmaskError("not-found", `There is no file at ${url}.`, { detail });
  }
  if (status === 401 || status === 403) {
    throw new UnmaskError("source-blocked", `${url} is not for everyone: the server answers ${status}.`, {
      detail,
    });
  }
  if (status === 416) {
    throw new UnmaskError("file-truncated", `${url} ends before byte ${start}.`, { detail });
  }
  if (status >= 500 || status === 408 || status === 429) throw new Cut(`the server answers ${status}`);
  if (status === 200) return start;
  // Another origin may hide the header; the hashes tell if its answer was another range.
  const from = /^bytes (\d+)-/.exec(headers.get("Content-Range") ?? `bytes ${start}-`)?.[1];
  if (status === 206 && from !== undefined && Number(from) <= start) return start - Number(from);
  throw new UnmaskError("download-failed", `${url} answers ${status}, which is no file.`, { detail });
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new UnmaskError("aborted", "Loading the model was stopped."));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
