import {
  ELEMENT,
  EXTERNAL_DATA,
  GRAPH,
  INITIALIZER,
  INPUT,
  NODE,
  NODE_INPUT,
  NODE_OUTPUT,
  OUTPUT,
  TENSOR_NAME,
} from "./fields.ts";

/**
 * The small part of ONNX's protobuf that a graph with external weights needs. Messages are byte arrays built bottom-up;
 * field numbers are those of onnx.proto (IR version 10).
 */

export type ElementType = keyof typeof ELEMENT;

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] };

export interface OnnxNode {
  readonly op: string;
  /** "" is ai.onnx. */
  readonly domain: "" | "com.microsoft";
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly content:
    | { readonly raw: Uint8Array }
    | { readonly location: string; readonly offset: number; readonly length: number };
}

/** A graph input or output; a string dimension is symbolic. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** A complete ModelProto: opset 21 and com.microsoft 1. */
export function encodeModel(graph: OnnxGraph): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...modelHead(), ...message(GRAPH, encodeGraph(graph)), ...modelTail()]);
}

function modelHead(): number[] {
  return [...int(1, 10), ...text(2, "unmask")];
}

function modelTail(): number[] {
  return [
    ...message(8, [...text(1, ""), ...int(2, 21)]),
    ...message(8, [...text(1, "com.microsoft"), ...int(2, 1)]),
  ];
}

/** A tensor whose bytes are made while a model is written. */
export interface LateTensor extends Omit<OnnxTensor, "content"> {
  readonly bytes: number;
}

/** The pieces of a ModelProto that holds its weights: `head`, then each tensor's own head and its bytes, then `tail`. */
export interface OpenModel<T extends LateTensor> {
  readonly head: Uint8Array;
  readonly tensors: readonly { readonly head: Uint8Array; readonly tensor: T }[];
  readonly tail: Uint8Array;
}

/** Lengths stand before contents in protobuf, and those of weights are known before the weights are. */
export function encodeOpenModel<T extends LateTensor>(graph: OnnxGraph, late: readonly T[]): OpenModel<T> {
  const tensors = late.map((tensor) => {
    const fields = [...tensorFields(tensor), ...varint((9 << 3) | 2), ...varint(tensor.bytes)];
    const size = varint(fields.length + tensor.bytes);
    return { head: Uint8Array.from([...varint((INITIALIZER << 3) | 2), ...size, ...fields]), tensor };
  });
  const own = encodeGraph(graph);
  const size = tensors.reduce((sum, { head, tensor }) => sum + head.length + tensor.bytes, own.length);
  return {
    head: Uint8Array.from([...modelHead(), ...varint((GRAPH << 3) | 2), ...varint(size), ...own]),
    tensors,
    tail: Uint8Array.from(modelTail()),
  };
}

function encodeGraph(graph: OnnxGraph): number[] {
  const out: number[] = [];
  for (const node of graph.nodes) append(out, message(NODE, encodeNode(node)));
  append(out, text(2, "unmask"));
  for (const tensor of graph.initializers) append(out, message(INITIALIZER, encodeTensor(tensor)));
  for (const value of graph.inputs) append(out, message(INPUT, encodeValue(value)));
  for (const value of graph.outputs) append(out, message(OUTPUT, encodeValue(value)));
  return out;
}

export function encodeNode(node: OnnxNode): number[] {
  const out: number[] = [];
  for (const name of node.inputs) append(out, text(NODE_INPUT, name));
  for (const name of node.outputs) append(out, text(NODE_OUTPUT, name));
  append(out, text(4, node.op));
  for (const [name, value] of Object.entries(node.attributes))
    append(out, message(5, encodeAttribute(name, value)));
  if (node.domain !== "") append(out, text(7, node.domain));
  return out;
}

function encodeAttribute(name: string, value: Attribute): number[] {
  if ("int" in value) return [...text(1, name), ...int(3, value.int), ...int(20, 2)];
  if ("string" in value) return [...text(1, name), ...text(4, value.string), ...int(20, 3)];
  if ("float" in value) return [...text(1, name), ...float(2, value.float), ...int(20, 1)];
  return [...text(1, name), ...value.ints.flatMap((item) => int(8, item)), ...int(20, 7)];
}

export function encodeTensor({ name, type, dims, content }: OnnxTensor): number[] {
  const out = tensorFields({ name, type, dims });
  if ("raw" in content) return [...out, ...message(9, content.raw)];
  const entry = (key: string, value: string) => message(EXTERNAL_DATA, [...text(1, key), ...text(2, value)]);
  append(out, entry("location", content.location));
  append(out, entry("offset", String(content.offset)));
  append(out, entry("length", String(content.length)));
  return [...out, ...int(14, 1)];
}

function tensorFields({ name, type, dims }: Omit<OnnxTensor, "content">): number[] {
  return [...dims.flatMap((dim) => int(1, dim)), ...int(2, ELEMENT[type]), ...text(TENSOR_NAME, name)];
}

export function encodeValue({ name, type, dims }: OnnxValue): number[] {
  const shape = dims.flatMap((dim) => message(1, typeof dim === "number" ? int(1, dim) : text(2, dim)));
  return [...text(1, name), ...message(2, message(1, [...int(1, ELEMENT[type]), ...message(2, shape)]))];
}

// Wire format: a field is a varint tag, number << 3 | wire type, and its payload.

function int(field: number, value: number): number[] {
  return [...varint(field << 3), ...varint(value)];
}

function float(field: number, value: number): number[] {
  return [...varint((field << 3) | 5), ...new Uint8Array(Float32Array.of(value).buffer)];
}

function text(field: number, value: string): number[] {
  return message(field, new TextEncoder().encode(value));
}

export function message(field: number, payload: ArrayLike<number> & Iterable<number>): number[] {
  return [...fieldHead(field, payload.length), ...payload];
}

/** What stands before a payload of so many bytes. */
export function fieldHead(field: number, length: number): number[] {
  return [...varint((field << 3) | 2), ...varint(length)];
}

/** Base-128, low group first. Negative integers are written as 64-bit two's complement. */
export function varint(value: number): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...out, Number(rest)];
}

/** `push(...items)` overflows the stack on long arrays. */
function append(out: number[], items: readonly number[]): void {
  for (const item of items) out.push(item);
}

/** Parts one behind the other. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
