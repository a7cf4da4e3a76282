import { UnmaskError } from "../../core/errors.ts";
import { ELEMENT } from "../../onnx/fields.ts";
import type { ValueShape } from "../../onnx/read.ts";

/** What an export of somebody else's takes and gives, and what is said of one that is of another kind. */

const FLOATS: readonly number[] = [ELEMENT.f32, ELEMENT.f16];

/** The output of logits. @throws UnmaskError `checkpoint-unsupported` when there is none of floats for every token */
export function findLogits(outputs: readonly ValueShape[]): ValueShape {
  const found = outputs.find(({ name }) => name === "logits");
  if (found === undefined) {
    const names = outputs.map(({ name }) => name.slice(0, 40)).slice(0, 5);
    const features = names.some((name) => /hidden_state|embedding|pooler/.test(name));
    const what = features
      ? ": it gives features, not tokens. What would run: an export with its language head"
      : "";
    throw unsupported(`it has no output "logits" (it has ${names.join(", ") || "none"})${what}`);
  }
  if (found.dims.length !== 3 || !FLOATS.includes(found.elementType)) {
    throw unsupported("its logits are not floats of the shape [batch, sequence, vocab]");
  }
  return found;
}

const KNOWN_INPUTS = ["input_ids", "attention_mask", "position_ids"];

/** Inputs of exports of other kinds: what such an export is, and what would do instead. */
const STRANGE_INPUTS: readonly (readonly [RegExp, string])[] = [
  [
    /past|cache|present/i,
    "it is an autoregressive export, which keeps keys and values and lets a token see only those before it. What would run: the diffusion checkpoint itself (safetensors), or an export of it that takes input_ids without a cache and gives logits for every token",
  ],
  [
    /^inputs_embeds$/,
    "it is a part of a model that was exported in several: it takes embeddings. What would run: one graph from input_ids to logits",
  ],
  [
    /^(encoder_|decoder_)/,
    "it belongs to a model of encoder and decoder, which writes from left to right. What would run: an export of a diffusion model with input_ids and logits",
  ],
];

/** The attention mask, if there is one. @throws UnmaskError `checkpoint-unsupported` for any input but the known ones */
export function checkInputs(inputs: readonly ValueShape[]): ValueShape | undefined {
  const takes = (name: string, elementTypes: readonly number[], ranks: readonly number[]) => {
    const found = inputs.find((input) => input.name === name);
    if (found === undefined) return undefined;
    if (elementTypes.includes(found.elementType) && ranks.includes(found.dims.length)) return found;
    throw unsupported(`its input ${name} has an unknown type or shape [${found.dims.join(", ")}]`);
  };
  const others = inputs.map(({ name }) => name).filter((name) => !KNOWN_INPUTS.includes(name));
  for (const [pattern, why] of STRANGE_INPUTS) {
    const name = others.find((item) => pattern.test(item));
    if (name !== undefined) throw unsupported(`it takes ${name.slice(0, 60)}: ${why}`);
  }
  if (others[0] !== undefined) throw unsupported(`it has the unknown input ${others[0].slice(0, 60)}`);
  const ids = takes("input_ids", [ELEMENT.i64], [2]);
  if (ids === undefined) throw unsupported("it has no input input_ids");
  const [batch, length] = ids.dims;
  if (typeof length === "number" && length > 0) {
    throw unsupported(`it takes exactly ${length} tokens. What would run: an export with a dynamic sequence`);
  }
  if (typeof batch === "number" && batch > 1) throw unsupported(`it takes exactly ${batch} texts at once`);
  takes("position_ids", [ELEMENT.i64], [2]);
  const mask = takes("attention_mask", [...FLOATS, ELEMENT.i64], [2, 4]);
  if (mask !== undefined && (mask.elementType === ELEMENT.i64) !== (mask.dims.length === 2)) {
    throw unsupported(
      "its attention_mask is neither additive [batch, 1, sequence, sequence] nor 0/1 [batch, sequence]",
    );
  }
  return mask;
}

export function unsupported(why: string): UnmaskError {
  return new UnmaskError("checkpoint-unsupported", `This ONNX graph cannot be used: ${why}.`);
}
