import { UnmaskError } from "../core/errors.ts";
import {
  encodeNode,
  encodeTensor,
  encodeValue,
  message,
  type OnnxNode,
  type OnnxValue,
  varint,
} from "./onnx.ts";
import { type ProtoField, protoFields, protoText, readValue, type ValueShape } from "./onnx-read.ts";

/** A foreign graph that only knows full forwards, dressed as one of ours. */
export interface LogitsGraph {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly vocab: number;
  /** The graph takes an additive attention mask. */
  readonly masked: boolean;
  /** External data files by the names the graph has for them. */
  readonly locations: readonly string[];
}

// Field numbers of onnx.proto.
const GRAPH = 7;
const NODE = 1;
const INITIALIZER = 5;
const INPUT = 11;
const OUTPUT = 12;
const EXTERNAL_DATA = 13;
const FLOAT = 1;
const INT64 = 7;
const FLOAT16 = 10;
const ALL = "unmask.logits";

/**
 * Rewrites the ends of an exported graph and leaves its nodes alone. What it may take: `input_ids [batch, sequence]`,
 * and an `attention_mask` (additive `[batch, 1, sequence, sequence]`, or 0/1 integers) and `position_ids`; what it must
 * give: `logits [batch, sequence, vocab]`. What comes out has the inputs and outputs of a graph without layers to cache:
 * `input_ids`, `position_ids`, `logit_indices`, `attention_bias` where there is an additive mask, and `logits [L, vocab]`.
 *
 * @throws UnmaskError `checkpoint-invalid`, `checkpoint-unsupported` naming the input or output
 */
export function adaptLogitsGraph(file: Uint8Array): LogitsGraph {
  const model = protoFields(file);
  const graph = protoFields(model.find(({ field }) => field === GRAPH)?.bytes ?? new Uint8Array(0));
  const of = (number: number) => graph.filter(({ field }) => field === number);
  const initializers = of(INITIALIZER).map(({ bytes }) => protoFields(bytes));
  const stored = new Set(initializers.map((tensor) => protoText(tensor, 8)));
  // Old files list weights among the inputs too.
  const inputs = of(INPUT)
    .map(({ bytes }) => readValue(bytes))
    .filter(({ name }) => !stored.has(name));
  const logits = findLogits(of(OUTPUT).map(({ bytes }) => readValue(bytes)));
  const mask = checkInputs(inputs);
  const masked = mask?.dims.length === 4;
  const vocab = logits.dims[2];
  if (typeof vocab !== "number" || vocab < 2) {
    throw unsupported(`its logits do not say how many tokens there are (${String(vocab)})`);
  }
  const parts = [
    ...before(mask).map((node) => message(NODE, encodeNode(node))),
    ...graph
      .filter(({ field }) => field !== INPUT && field !== OUTPUT)
      .map((field) => (field.field === NODE ? renameLogits(field) : field.raw)),
    ...after(logits).map((node) => message(NODE, encodeNode(node))),
    message(INITIALIZER, encodeTensor(rowShape(vocab))),
    ...inputsOf(masked).map((value) => message(INPUT, encodeValue(value))),
    message(OUTPUT, encodeValue({ name: "logits", type: "f32", dims: ["L", vocab] })),
  ];
  const rest = model.filter(({ field }) => field !== GRAPH).map(({ raw }) => raw);
  return {
    model: join([...rest, lengthDelimited(GRAPH, join(parts))]),
    vocab,
    masked,
    locations: [...new Set(initializers.flatMap(locationOf))],
  };
}

function findLogits(outputs: readonly ValueShape[]): ValueShape {
  const found = outputs.find(({ name }) => name === "logits");
  if (found === undefined) {
    const names = outputs.map(({ name }) => name.slice(0, 40)).slice(0, 5);
    throw unsupported(`it has no output "logits" (it has ${names.join(", ") || "none"})`);
  }
  if (found.dims.length !== 3 || ![FLOAT, FLOAT16].includes(found.elementType)) {
    throw unsupported("its logits are not floats of the shape [batch, sequence, vocab]");
  }
  return found;
}

/** The attention mask, if there is one; any other input than the known ones is refused. */
function checkInputs(inputs: readonly ValueShape[]): ValueShape | undefined {
  const takes = (name: string, elementTypes: readonly number[], ranks: readonly number[]) => {
    const found = inputs.find((input) => input.name === name);
    if (found === undefined) return undefined;
    if (elementTypes.includes(found.elementType) && ranks.includes(found.dims.length)) return found;
    throw unsupported(`its input ${name} has an unknown type or shape [${found.dims.join(", ")}]`);
  };
  const known = ["input_ids", "attention_mask", "position_ids"];
  const strange = inputs.find(({ name }) => !known.includes(name));
  if (strange !== undefined) {
    const why = /past|cache/i.test(strange.name) ? ": exports with a cache attend causally" : "";
    throw unsupported(`it has the unknown input ${strange.name.slice(0, 60)}${why}`);
  }
  if (takes("input_ids", [INT64], [2]) === undefined) throw unsupported("it has no input input_ids");
  takes("position_ids", [INT64], [2]);
  const mask = takes("attention_mask", [FLOAT, FLOAT16, INT64], [2, 4]);
  if (mask !== undefined && (mask.elementType === INT64) !== (mask.dims.length === 2)) {
    throw unsupported(
      "its attention_mask is neither additive [batch, 1, sequence, sequence] nor 0/1 [batch, sequence]",
    );
  }
  return mask;
}

const node = (
  op: string,
  inputs: string[],
  output: string,
  attributes: OnnxNode["attributes"] = {},
): OnnxNode => ({
  op,
  domain: "",
  inputs,
  outputs: [output],
  attributes,
});

/** Makes the mask the graph expects. Integers: every token is there. */
function before(mask: ValueShape | undefined): OnnxNode[] {
  if (mask === undefined) return [];
  if (mask.elementType === INT64) {
    return [
      node("Equal", ["input_ids", "input_ids"], "unmask.there"),
      node("Cast", ["unmask.there"], mask.name, { to: { int: INT64 } }),
    ];
  }
  return [node("Cast", ["attention_bias"], mask.name, { to: { int: mask.elementType } })];
}

/** Gathers the wanted rows, as f32. */
function after(logits: ValueShape): OnnxNode[] {
  const rows = node("Gather", [ALL, "logit_indices"], "unmask.rows", { axis: { int: 1 } });
  const half = logits.elementType === FLOAT16;
  const flat = node("Reshape", ["unmask.rows", "unmask.shape"], half ? "unmask.half" : "logits");
  return half ? [rows, flat, node("Cast", ["unmask.half"], "logits", { to: { int: FLOAT } })] : [rows, flat];
}

function rowShape(vocab: number) {
  const raw = new Uint8Array(BigInt64Array.of(-1n, BigInt(vocab)).buffer);
  return { name: "unmask.shape", type: "i64", dims: [2], content: { raw } } as const;
}

function inputsOf(masked: boolean): OnnxValue[] {
  const inputs: OnnxValue[] = [
    { name: "input_ids", type: "i64", dims: [1, "S"] },
    { name: "position_ids", type: "i64", dims: [1, "S"] },
    { name: "logit_indices", type: "i64", dims: ["L"] },
  ];
  return masked ? [...inputs, { name: "attention_bias", type: "f32", dims: [1, 1, "S*1", "P+S"] }] : inputs;
}

/** The node with its reads and writes of `logits` under another name, so that ours can have it. */
function renameLogits({ raw, bytes }: ProtoField): Uint8Array {
  const fields = protoFields(bytes);
  const isLogits = (field: ProtoField) =>
    field.field <= 2 && new TextDecoder().decode(field.bytes) === "logits";
  if (!fields.some(isLogits)) return raw;
  const name = new TextEncoder().encode(ALL);
  const renamed = fields.map((field) => (isLogits(field) ? message(field.field, name) : field.raw));
  return lengthDelimited(NODE, join(renamed));
}

function locationOf(tensor: readonly ProtoField[]): string[] {
  return tensor.flatMap(({ field, bytes }) => {
    if (field !== EXTERNAL_DATA) return [];
    const entry = protoFields(bytes);
    return protoText(entry, 1) === "location" ? [protoText(entry, 2)] : [];
  });
}

/** `message` copies its payload number by number, which a whole graph is too large for. */
function lengthDelimited(field: number, payload: Uint8Array): Uint8Array {
  return join([varint((field << 3) | 2), varint(payload.length), payload]);
}

function join(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function unsupported(why: string): UnmaskError {
  return new UnmaskError("checkpoint-unsupported", `This ONNX graph cannot be used: ${why}.`);
}
