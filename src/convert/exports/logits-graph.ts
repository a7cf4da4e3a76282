import { UnmaskError } from "../../core/errors.ts";
import {
  ELEMENT,
  EXTERNAL_DATA,
  FUNCTIONS,
  GRAPH,
  INITIALIZER,
  INPUT,
  NODE,
  OUTPUT,
  TENSOR_NAME,
} from "../../onnx/fields.ts";
import { type ProtoField, protoFields, protoText, readValue, type ValueShape } from "../../onnx/read.ts";
import {
  encodeNode,
  encodeTensor,
  encodeValue,
  joinBytes,
  message,
  type OnnxNode,
  type OnnxValue,
  varint,
} from "../../onnx/write.ts";
import type { ByteSource } from "../checkpoint/byte-source.ts";
import { joinedSource, type Segment, windowed } from "../checkpoint/source-window.ts";
import { checkInputs, findLogits, unsupported } from "./logits-ends.ts";
import { type PlacedField, scanFields } from "./onnx-scan.ts";

/** A foreign graph that only knows full forwards, dressed as one of ours. */
export interface LogitsGraph {
  /** The file: what it has of weights is read from the original when it is read. */
  readonly model: ByteSource;
  readonly vocab: number;
  /** The graph takes an additive attention mask. */
  readonly masked: boolean;
  /** External data files by the names the graph has for them. */
  readonly locations: readonly string[];
}

const ALL = "unmask.logits";
/** Of a node, an input or a function. Weights are in initializers or beside the graph. */
const MAX_PART_BYTES = 16_000_000;
const MAX_INITIALIZERS = 20_000;

/**
 * Rewrites the ends of an exported graph and leaves its nodes alone. What it may take: `input_ids [batch, sequence]`,
 * and an `attention_mask` (additive `[batch, 1, sequence, sequence]`, or 0/1 integers) and `position_ids`; what it must
 * give: `logits [batch, sequence, vocab]`. What comes out has the inputs and outputs of a graph without layers to cache:
 * `input_ids`, `position_ids`, `logit_indices`, `attention_bias` where there is an additive mask, and `logits [L, vocab]`.
 *
 * @param original is read in parts; weights in it are not read here
 * @throws UnmaskError `checkpoint-invalid`, `checkpoint-unsupported` naming the input or output
 */
export async function adaptLogitsGraph(original: ByteSource): Promise<LogitsGraph> {
  const source = windowed(original);
  const model = await scanFields(source);
  const [graphField, ...more] = model.filter(({ field }) => field === GRAPH);
  if (graphField === undefined || more.length > 0) throw noGraph();
  const graph = await scanFields(source, graphField.from, graphField.end);
  const of = (number: number) => graph.filter(({ field }) => field === number);
  const tensors = await readTensors(source, of(INITIALIZER));
  const stored = new Set(tensors.map(({ name }) => name));
  // Old files list weights among the inputs too.
  const values = (number: number) =>
    Promise.all(of(number).map(async (field) => readValue(await payload(source, field))));
  const inputs = (await values(INPUT)).filter(({ name }) => !stored.has(name));
  const mask = checkInputs(inputs);
  const logits = findLogits(await values(OUTPUT));
  const masked = mask?.dims.length === 4;
  const vocab = logits.dims[2];
  if (typeof vocab !== "number" || vocab < 2) {
    throw unsupported(`its logits do not say how many tokens there are (${String(vocab)})`);
  }
  for (const field of model.filter((item) => item.field === FUNCTIONS)) {
    refuseLoops(protoFields(await payload(source, field)), 7, 0);
  }
  const encoded = (nodes: readonly OnnxNode[]) =>
    nodes.map((item) => bytesOf(message(NODE, encodeNode(item))));
  const inside: Segment[] = [
    ...encoded(before(mask)),
    ...(await keptFields(source, original, graph)),
    ...encoded(after(logits)),
    bytesOf(message(INITIALIZER, encodeTensor(rowShape(vocab)))),
    ...inputsOf(masked).map((value) => bytesOf(message(INPUT, encodeValue(value)))),
    bytesOf(message(OUTPUT, encodeValue({ name: "logits", type: "f32", dims: ["L", vocab] }))),
  ];
  const rest = model
    .filter(({ field }) => field !== GRAPH)
    .map(({ start, end }): Segment => ({ source: original, from: start, to: end }));
  const { size } = joinedSource(inside);
  return {
    model: joinedSource([...rest, bytesOf([...varint((GRAPH << 3) | 2), ...varint(size)]), ...inside]),
    vocab,
    masked,
    locations: [...new Set(tensors.flatMap(({ location }) => location ?? []))],
  };
}

/** Everything of the graph but its ends; runs of fields that stay as they are become one part. */
async function keptFields(
  source: ByteSource,
  original: ByteSource,
  graph: readonly PlacedField[],
): Promise<Segment[]> {
  const kept: Segment[] = [];
  for (const field of graph) {
    if (field.field === INPUT || field.field === OUTPUT) continue;
    const renamed = field.field === NODE ? renameLogits(await payload(source, field)) : undefined;
    const last = kept.at(-1);
    if (renamed !== undefined) kept.push(renamed);
    else if (last !== undefined && !(last instanceof Uint8Array) && last.to === field.start) {
      kept[kept.length - 1] = { ...last, to: field.end };
    } else kept.push({ source: original, from: field.start, to: field.end });
  }
  return kept;
}

/** Names of the weights, and of the files they are in; their contents are skipped. */
async function readTensors(source: ByteSource, fields: readonly PlacedField[]) {
  if (fields.length > MAX_INITIALIZERS) throw unsupported(`it has ${fields.length} weights`);
  const tensors: { readonly name: string; readonly location?: string }[] = [];
  for (const { from, end } of fields) {
    const parts = await scanFields(source, from, end);
    const named = parts.find(({ field }) => field === TENSOR_NAME);
    const name = named === undefined ? "" : new TextDecoder().decode(await payload(source, named));
    let location: string | undefined;
    for (const part of parts.filter(({ field }) => field === EXTERNAL_DATA)) {
      const entry = protoFields(await payload(source, part));
      if (protoText(entry, 1) === "location") location = protoText(entry, 2);
    }
    tensors.push({ name, ...(location !== undefined && { location }) });
  }
  return tensors;
}

async function payload(source: ByteSource, { from, end }: PlacedField): Promise<Uint8Array> {
  if (end - from > MAX_PART_BYTES) {
    throw unsupported(`one of its nodes has ${end - from} bytes, where only weights are so large`);
  }
  return source.read(from, end - from);
}

/** A graph that decides itself how long it runs could run for ever, and nobody can stop it. */
function refuseLoops(parent: readonly ProtoField[], nodes: number, depth: number): void {
  if (depth > 8) throw unsupported("its graphs are nested too deeply");
  for (const { field, bytes } of parent) if (field === nodes) refuseLoop(protoFields(bytes), depth);
}

function refuseLoop(fields: readonly ProtoField[], depth: number): void {
  const op = protoText(fields, 4);
  if (op === "Loop" || op === "Scan") throw unsupported(`it has a ${op}, and may never end`);
  for (const attribute of fields.filter(({ field }) => field === 5)) {
    for (const { field, bytes } of protoFields(attribute.bytes)) {
      if (field === 6 || field === 11) refuseLoops(protoFields(bytes), NODE, depth + 1);
    }
  }
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
  if (mask.elementType === ELEMENT.i64) {
    return [
      node("Equal", ["input_ids", "input_ids"], "unmask.there"),
      node("Cast", ["unmask.there"], mask.name, { to: { int: ELEMENT.i64 } }),
    ];
  }
  return [node("Cast", ["attention_bias"], mask.name, { to: { int: mask.elementType } })];
}

/** Gathers the wanted rows, as f32. */
function after(logits: ValueShape): OnnxNode[] {
  const rows = node("Gather", [ALL, "logit_indices"], "unmask.rows", { axis: { int: 1 } });
  const half = logits.elementType === ELEMENT.f16;
  const flat = node("Reshape", ["unmask.rows", "unmask.shape"], half ? "unmask.half" : "logits");
  return half
    ? [rows, flat, node("Cast", ["unmask.half"], "logits", { to: { int: ELEMENT.f32 } })]
    : [rows, flat];
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

/** The node with its reads and writes of `logits` under another name, so that ours can have it; undefined when it has none. */
function renameLogits(node: Uint8Array): Uint8Array | undefined {
  const fields = protoFields(node);
  refuseLoop(fields, 0);
  const isLogits = (field: ProtoField) =>
    field.field <= 2 && new TextDecoder().decode(field.bytes) === "logits";
  if (!fields.some(isLogits)) return undefined;
  const name = new TextEncoder().encode(ALL);
  const inner = joinBytes(
    fields.map((field) => (isLogits(field) ? bytesOf(message(field.field, name)) : field.raw)),
  );
  return joinBytes([bytesOf([...varint((NODE << 3) | 2), ...varint(inner.length)]), inner]);
}

function bytesOf(numbers: readonly number[]): Uint8Array {
  return Uint8Array.from(numbers);
}

function noGraph(): UnmaskError {
  return new UnmaskError("checkpoint-invalid", "The file is not an ONNX graph: it holds none, or several.");
}
