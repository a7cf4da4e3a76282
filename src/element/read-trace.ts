import { UnmaskError } from "../core/errors.ts";
import type { Trace } from "../core/events.ts";
import { MAX_TRACE_BYTES, parseTrace } from "../engine/record/trace.ts";

/**
 * The trace at an address relative to the page, or one in JSON, as a browser keeps it for a form that is restored.
 *
 * @throws UnmaskError `not-found`, `download-failed`, `trace-invalid`
 */
export async function readTrace(src: string): Promise<Trace> {
  return parseTrace(parseJson(src.startsWith("{") ? src : await fetchText(src)));
}

async function fetchText(src: string): Promise<string> {
  const response = await fetch(src).catch((cause: unknown) => {
    throw new UnmaskError("download-failed", `The trace at ${src} cannot be fetched.`, { cause });
  });
  if (!response.ok) throw new UnmaskError("not-found", `There is no trace at ${src}.`);
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const part = await reader?.read();
    if (part?.value === undefined) return text + decoder.decode();
    bytes += part.value.length;
    if (bytes > MAX_TRACE_BYTES) {
      // A server that never ends its answer must not fill the memory.
      void reader?.cancel();
      throw new UnmaskError("trace-invalid", `The file at ${src} is too large for a trace.`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnmaskError("trace-invalid", "This is not a valid trace: it is no JSON.", { cause });
  }
}

/** False for readers who ask for reduced motion: nothing plays by itself for them. */
export function wantsMotion(): boolean {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}
