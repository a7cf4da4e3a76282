import { UnmaskError } from "../core/errors.ts";
import type { BundleSource } from "./source.ts";

/** A bundle folder on a web server. */
export function httpSource(model: string): BundleSource {
  const base = model.endsWith("/") ? model : `${model}/`;
  if (!URL.canParse(base)) throw new UnmaskError("not-found", `"${model}" is not an address.`);
  return { name: base, read: (path, signal) => readUrl(new URL(path, base).href, signal) };
}

async function* readUrl(url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const response = await guard(url, signal, () => fetch(url, { signal }));
  if (response.status === 404 || response.status === 410) {
    throw new UnmaskError("not-found", `There is no file at ${url}.`, { detail: { url } });
  }
  if (!response.ok) {
    throw new UnmaskError("download-failed", `${url} answers ${response.status}.`, {
      detail: { url, status: response.status },
    });
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await guard(url, signal, () => reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    // Leaving early must end the transfer; after the end this does nothing.
    await reader.cancel().catch(() => {});
  }
}

async function guard<T>(url: string, signal: AbortSignal, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (signal.aborted) throw new UnmaskError("aborted", "Loading the model was stopped.");
    throw new UnmaskError("download-failed", `${url} could not be downloaded: is the network up?`, {
      detail: { url },
      cause,
    });
  }
}
