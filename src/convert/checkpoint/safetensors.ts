import { isUnmaskError, UnmaskError } from "../../core/errors.ts";
import { fromBrainHalf, fromHalf } from "../../math/half.ts";
import type { ByteSource } from "./byte-source.ts";
import { duplicateKey, isObject, type JsonObject, parseJsonObject } from "./json.ts";

/**
 * Reader of safetensors files: u64 header length, JSON header, data. The header comes from strangers, so it is capped,
 * every number is checked against the file before anything is allocated, and tensors must tile the data region.
 */

/** The reference reader allows 100 MB; real headers of 8 B models are below 200 kB. */
const MAX_HEADER_BYTES = 25_000_000;
const MAX_TENSORS = 100_000;
const MAX_DIMS = 8;

/** Bytes an element. Only the float types can become weights; the others may stand in a file and are skipped. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly source: ByteSource;
  /** Offset of the first byte in `source`. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Reads and checks the header of one file.
 *
 * @throws UnmaskError `checkpoint-invalid` naming the file and, where there is one, the tensor.
 */
export async function readSafetensors(source: ByteSource, file: string): Promise<Map<string, TensorEntry>> {
  const fail = (problem: string): never => {
    // Names are the file's, and may be as long as its header.
    const short = problem.length > 400 ? `${problem.slice(0, 400)}…` : problem;
    throw new UnmaskError("checkpoint-invalid", `${file} is not a valid safetensors file: ${short}.`, {
      detail: { file },
    });
  };
  if (source.size < 8) fail(`it holds ${source.size} bytes, too few for the header length`);
  const prefix = await source.read(0, 8);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES))
    fail(`its header claims ${length} bytes, more than this reader accepts`);
  const dataStart = 8 + Number(length);
  if (dataStart > source.size) fail(`its header claims ${length} bytes, the file has ${source.size}`);
  const text = new TextDecoder().decode(await source.read(8, Number(length)));
  const header = parseJsonObject(text, `The header of ${file}`);
  const twice = duplicateKey(text);
  if (twice !== undefined) fail(`${twice} stands twice in the header`);

  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  if (entries.length > MAX_TENSORS) fail(`its header lists ${entries.length} tensors`);
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of entries) {
    tensors.set(name, readEntry(name, value, { source, dataStart, fail, file }));
  }
  checkTiling([...tensors.values()], dataStart, source.size, fail);
  return tensors;
}

interface EntryContext {
  readonly source: ByteSource;
  readonly dataStart: number;
  readonly file: string;
  fail(problem: string): never;
}

function readEntry(
  name: string,
  value: unknown,
  { source, dataStart, file, fail }: EntryContext,
): TensorEntry {
  const entry: JsonObject = isObject(value) ? value : fail(`the entry of ${name} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const width =
    typeof dtype === "string" && Object.hasOwn(ELEMENT_BYTES, dtype) ? ELEMENT_BYTES[dtype] : undefined;
  if (typeof dtype !== "string" || width === undefined)
    return fail(`${name} has the unknown dtype ${String(dtype)}`);
  if (!isCounts(shape) || shape.length > MAX_DIMS) return fail(`${name} has no valid shape`);
  if (!isCounts(offsets) || offsets.length !== 2) return fail(`${name} has no valid data_offsets`);
  const [begin = 0, end = 0] = offsets;
  if (begin > end) return fail(`${name} ends (${end}) before it begins (${begin})`);
  if (dataStart + end > source.size) {
    return fail(`${name} ends at byte ${dataStart + end}, ${file} has ${source.size}`);
  }
  const elements = shape.reduce((product, dim) => product * BigInt(dim), 1n);
  if (elements * BigInt(width) !== BigInt(end - begin)) {
    return fail(`${name} is ${dtype} [${shape.join(", ")}] but occupies ${end - begin} bytes`);
  }
  return { name, dtype, shape, source, offset: dataStart + begin, bytes: end - begin };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
}

/** The data region must be covered once, without holes, overlaps or a rest. */
function checkTiling(
  tensors: TensorEntry[],
  dataStart: number,
  size: number,
  fail: (problem: string) => never,
): void {
  const owner = [...tensors].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataStart;
  let previous = "the header";
  for (const tensor of owner) {
    if (tensor.offset < end) fail(`${tensor.name} and ${previous} overlap`);
    if (tensor.offset > end) fail(`there is a hole of ${tensor.offset - end} bytes before ${tensor.name}`);
    end = tensor.offset + tensor.bytes;
    previous = tensor.name;
  }
  if (end !== size) fail(`${size - end} bytes follow the last tensor`);
}

/**
 * The values of a float tensor as f32, row-major; or `length` of them from the element `start` on. NaN and infinity are
 * refused: a quantiser would spread them over whole blocks.
 *
 * @throws UnmaskError `checkpoint-unsupported` for other types, `checkpoint-invalid` with the detail `notFinite`
 */
export async function readFloats(
  tensor: TensorEntry,
  start = 0,
  length?: number,
): Promise<Float32Array<ArrayBuffer>> {
  const width = ELEMENT_BYTES[tensor.dtype] ?? 1;
  const bytes = length === undefined ? tensor.bytes - start * width : length * width;
  const values = decodeFloats(tensor, await tensor.source.read(tensor.offset + start * width, bytes));
  for (let i = 0; i < values.length; i++) {
    // x - x is 0 for every number but NaN and the infinities.
    if (values[i]! - values[i]! !== 0)
      throw notFinite([`${tensor.name} (${values[i]} at element ${start + i})`]);
  }
  return values;
}

/**
 * Reads every tensor to the first value that is not finite.
 *
 * @throws UnmaskError `checkpoint-invalid` naming every such tensor
 */
export async function checkFinite(tensors: readonly TensorEntry[]): Promise<void> {
  const broken: string[] = [];
  for (const tensor of tensors) {
    await readFloats(tensor).catch((error: unknown) => {
      const where = isUnmaskError(error) ? error.detail["notFinite"] : undefined;
      if (typeof where !== "string") throw error;
      broken.push(where);
    });
  }
  if (broken.length > 0) throw notFinite(broken);
}

function notFinite(places: readonly string[]): UnmaskError {
  const named = places.slice(0, 20).join(", ");
  return new UnmaskError("checkpoint-invalid", `These tensors hold values that are not finite: ${named}.`, {
    detail: { notFinite: named },
  });
}

function decodeFloats(tensor: TensorEntry, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  switch (tensor.dtype) {
    case "F32":
      return new Float32Array(bytes.buffer);
    case "F16":
      return fromHalf(new Uint16Array(bytes.buffer));
    case "BF16":
      return fromBrainHalf(new Uint16Array(bytes.buffer));
    default:
      throw new UnmaskError(
        "checkpoint-unsupported",
        `${tensor.name} is stored as ${tensor.dtype}; weights must be F32, F16 or BF16.`,
        { detail: { tensor: tensor.name, dtype: tensor.dtype } },
      );
  }
}
