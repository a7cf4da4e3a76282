import { UnmaskError } from "../core/errors.ts";
import type { Manifest } from "../model/manifest.ts";
import type { OrtSession } from "./ort.ts";

/**
 * Checks that a graph has exactly the inputs and outputs its manifest promises, and returns the type of its floats.
 *
 * @throws UnmaskError `graph-mismatch`, `checkpoint-unsupported` for graphs with a mask input
 */
export function checkGraph(session: OrtSession, manifest: Manifest): "float32" | "float16" {
  const layers = Array.from({ length: manifest.layers }, (_, i) => i);
  compareNames("input", session.inputNames, [
    "input_ids",
    "position_ids",
    "logit_indices",
    ...layers.flatMap((i) => [`past_k.${i}`, `past_v.${i}`]),
  ]);
  compareNames("output", session.outputNames, [
    "logits",
    ...layers.flatMap((i) => [`new_k.${i}`, `new_v.${i}`]),
  ]);
  compareDims("logits", session.outputMetadata, [undefined, manifest.vocab]);
  for (const i of layers) compareDims(`past_k.${i}`, session.inputMetadata, [1, undefined, manifest.kvWidth]);
  const first = session.inputMetadata.find(({ name }) => name === "past_k.0");
  return first?.isTensor === true && first.type === "float16" ? "float16" : "float32";
}

function compareNames(what: string, found: readonly string[], expected: readonly string[]): void {
  const missing = expected.find((name) => !found.includes(name));
  const extra = found.find((name) => !expected.includes(name));
  if (missing !== undefined) mismatch(`it has no ${what} ${missing}`, missing);
  if (extra === "attention_bias") {
    throw new UnmaskError(
      "checkpoint-unsupported",
      "Models with block-causal attention do not run in this version yet.",
    );
  }
  if (extra !== undefined) mismatch(`it has an unexpected ${what} ${extra.slice(0, 60)}`, extra.slice(0, 60));
}

type Metadata = OrtSession["inputMetadata"];

function compareDims(name: string, metadata: Metadata, expected: readonly (number | undefined)[]): void {
  const entry = metadata.find((item) => item.name === name);
  if (entry?.isTensor !== true) return;
  const { shape } = entry;
  const differs = expected.some((size, i) => {
    const dim = shape[i];
    return size !== undefined && typeof dim === "number" && dim !== size;
  });
  if (shape.length !== expected.length || differs) {
    mismatch(`${name} has the shape [${shape.join(", ")}]`, name);
  }
}

function mismatch(what: string, name: string): never {
  throw new UnmaskError("graph-mismatch", `The graph is not the one unmask.json describes: ${what}.`, {
    detail: { name },
  });
}
