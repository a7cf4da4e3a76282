import { UnmaskError } from "../../src/core/errors.ts";
import type { ForwardRequest } from "../../src/core/types.ts";
import type { Manifest } from "../../src/model/manifest.ts";

export const CANVAS = 256;
export const BLOCK = 32;

/** A forward without guidance, sampling and cache that asks for the best token of some rows. */
export function plainRequest(
  { attention, tokens }: Pick<Manifest, "attention" | "tokens">,
  canvas: Int32Array,
  rows: Int32Array,
): ForwardRequest {
  return {
    canvases: [canvas],
    rows,
    attention,
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: false, current: false, probe: [] },
    suppress: [tokens.mask],
    kv: null,
    promptLen: 0,
  };
}

/** @throws UnmaskError `aborted` */
export function stopIf({ aborted }: AbortSignal): void {
  if (aborted) throw new UnmaskError("aborted", "The benchmark was stopped.");
}
