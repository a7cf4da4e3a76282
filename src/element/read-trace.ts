import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import type { Trace } from "../core/events.ts";
import { parseTrace } from "../engine/trace.ts";

/** The trace at `src`, relative to the page. @throws UnmaskError `not-found`, `trace-invalid` */
export async function readTrace(src: string): Promise<Trace> {
  try {
    const response = await fetch(src);
    if (!response.ok) throw new UnmaskError("not-found", `There is no trace at ${src}.`);
    return parseTrace(await response.json());
  } catch (error) {
    throw toUnmaskError(error, "trace-invalid");
  }
}

/** False for readers who ask for reduced motion: nothing plays by itself for them. */
export function wantsMotion(): boolean {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}
