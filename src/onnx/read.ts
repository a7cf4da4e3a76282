import { UnmaskError } from "../core/errors.ts";

/** The wire format of protobuf, as far as an ONNX file has to be taken apart: fields, in order, unread. */
export interface ProtoField {
  readonly field: number;
  /** Of a varint. */
  readonly value: number;
  /** Of a length-delimited field; empty for the others. */
  readonly bytes: Uint8Array;
  /** Tag and payload as they stand in the file. */
  readonly raw: Uint8Array;
}

const MAX_FIELDS = 1_000_000;

/**
 * The fields of one message.
 *
 * @throws UnmaskError `checkpoint-invalid` when the bytes are not a message
 */
export function protoFields(bytes: Uint8Array): ProtoField[] {
  const fields: ProtoField[] = [];
  let at = 0;
  const broken = (): never => {
    throw new UnmaskError(
      "checkpoint-invalid",
      `The file is not an ONNX graph: it breaks off at byte ${at}.`,
    );
  };
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++] ?? broken();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return broken();
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    const length = [undefined, 8, undefined, undefined, undefined, 4][tag & 7];
    let value = 0;
    let from = at;
    if ((tag & 7) === 0) {
      value = varint();
      from = at;
    } else if ((tag & 7) === 2) {
      const size = varint();
      from = at;
      at += size;
    } else if (length !== undefined) at += length;
    else broken();
    if (at > bytes.length || fields.length >= MAX_FIELDS) broken();
    const payload = (tag & 7) === 2 ? bytes.subarray(from, at) : new Uint8Array(0);
    fields.push({ field: Math.floor(tag / 8), value, bytes: payload, raw: bytes.subarray(start, at) });
  }
  return fields;
}

/** The text of the first field `number`, or "". */
export function protoText(fields: readonly ProtoField[], number: number): string {
  const found = fields.find(({ field }) => field === number);
  return found === undefined ? "" : new TextDecoder().decode(found.bytes);
}

/** A graph input or output: its element type and dimensions, a string where one is symbolic. */
export interface ValueShape {
  readonly name: string;
  readonly elementType: number;
  readonly dims: readonly (number | string)[];
}

/** Reads a ValueInfoProto of a tensor. */
export function readValue(bytes: Uint8Array): ValueShape {
  const nested = (parent: readonly ProtoField[], number: number) =>
    protoFields(parent.find(({ field }) => field === number)?.bytes ?? new Uint8Array(0));
  const value = protoFields(bytes);
  const tensor = nested(nested(value, 2), 1);
  const dims = nested(tensor, 2).map((dim) => {
    const fields = protoFields(dim.bytes);
    return fields.find(({ field }) => field === 1)?.value ?? protoText(fields, 2);
  });
  const elementType = tensor.find(({ field }) => field === 1)?.value ?? 0;
  return { name: protoText(value, 1), elementType, dims };
}

/** A node of a graph: what it is, what it reads and what it makes. */
export interface GraphNode {
  /** As it stands in the graph. */
  readonly field: ProtoField;
  readonly op: string;
  /** Without optional ones that are left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Reads a NodeProto. */
export function readNode(field: ProtoField): GraphNode {
  const fields = protoFields(field.bytes);
  const names = (number: number): string[] =>
    fields
      .filter((item) => item.field === number)
      .map(({ bytes }) => new TextDecoder().decode(bytes))
      .filter((name) => name !== "");
  return { field, op: protoText(fields, 4), inputs: names(1), outputs: names(2) };
}
