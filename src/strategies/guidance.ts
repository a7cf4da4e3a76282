import type { Guidance } from "../core/types.ts";

/** Classifier-free guidance; scale 0 is the plain model and must not cost a second forward. */
export function cfgGuidance(scale: number, keep: readonly number[] = []): Guidance {
  return scale === 0 ? { kind: "none" } : { kind: "cfg", scale, keep };
}
