import { UnmaskError } from "../../core/errors.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { OrtSession } from "../ort/ort.ts";

/** What the runtime must know of a graph besides the manifest. */
export interface GraphFacts {
  readonly float: "float32" | "float16";
  /** Query heads a key head, which is how often each query stands in the attention bias; 0: the graph takes no bias. */
  readonly biasRepeat: number;
  /** The first dimension of the inputs counts canvases. */
  readonly takesBatch: boolean;
  /** The graph wants the canvas rows of all keys: some of its layers see a window only. */
  readonly takesKeyRows: boolean;
  /** The graph wants the noise level. */
  readonly takesSigma: boolean;
  /** The graph mixes hints into the vectors of the ids. */
  readonly takesHints: boolean;
}

const OPTIONAL_INPUTS = ["key_rows", "sigma", "hint_ids", "hint_share"];

/**
 * Checks that a graph has exactly the inputs and outputs its manifest promises. Graphs of block-causal models take an
 * attention bias, the others do not.
 *
 * @throws UnmaskError `graph-mismatch`
 */
export function checkGraph(session: OrtSession, manifest: Manifest): GraphFacts {
  const isMasked = manifest.attention.kind === "block-causal";
  const layers = Array.from({ length: manifest.layers }, (_, i) => i);
  compareNames("input", session.inputNames, [
    "input_ids",
    "position_ids",
    "logit_indices",
    ...(isMasked ? ["attention_bias"] : []),
    ...OPTIONAL_INPUTS.filter((name) => session.inputNames.includes(name)),
    ...layers.flatMap((i) => [`past_k.${i}`, `past_v.${i}`]),
  ]);
  compareNames("output", session.outputNames, [
    "logits",
    ...layers.flatMap((i) => [`new_k.${i}`, `new_v.${i}`]),
  ]);
  compareDims("logits", session.outputMetadata, [undefined, manifest.vocab]);
  for (const i of layers) compareDims(`past_k.${i}`, session.inputMetadata, [1, undefined, manifest.kvWidth]);
  const first = session.inputMetadata.find(({ name }) => name === "past_k.0");
  return {
    float: first?.isTensor === true && first.type === "float16" ? "float16" : "float32",
    biasRepeat: isMasked ? biasRepeat(session.inputMetadata) : 0,
    takesBatch: takesBatch(session.inputMetadata),
    takesKeyRows: session.inputNames.includes("key_rows"),
    takesSigma: session.inputNames.includes("sigma"),
    takesHints: session.inputNames.includes("hint_ids"),
  };
}

/** The converter names the dimension `B`; other graphs may have a free one, but not logits of all canvases in a row. */
function takesBatch(metadata: Metadata): boolean {
  const entry = metadata.find(({ name }) => name === "input_ids");
  return entry?.isTensor === true && entry.shape[0] === "B";
}

/** The converter names the dimension of the bias's rows `S*<repeat>`. */
function biasRepeat(metadata: Metadata): number {
  const entry = metadata.find(({ name }) => name === "attention_bias");
  const rows = entry?.isTensor === true ? entry.shape[2] : undefined;
  const repeat = Number(/^S\*(\d{1,3})$/.exec(String(rows))?.[1] ?? 0);
  if (repeat === 0)
    mismatch("its attention_bias does not say how queries are laid out; convert it again", "attention_bias");
  return repeat;
}

function compareNames(what: string, found: readonly string[], expected: readonly string[]): void {
  const missing = expected.find((name) => !found.includes(name));
  const extra = found.find((name) => !expected.includes(name));
  if (missing !== undefined) mismatch(`it has no ${what} ${missing}`, missing);
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
