import { UnmaskError } from "../../core/errors.ts";
import type { CheckpointFolder } from "../checkpoint/byte-source.ts";
import { readJson } from "../checkpoint/checkpoint.ts";
import { isObject, own } from "../checkpoint/json.ts";
import { readFloats, type TensorEntry } from "../checkpoint/safetensors.ts";
import type { ReferenceInput } from "./reference.ts";

/** Reads the inputs of a golden file (layout of ../checkpoints/README.md). */
export type Golden = ReadonlyMap<string, TensorEntry>;

const MAX_POSITIONS = 1 << 16;

/** Whether the inputs say what attends to what. */
export async function isMasked(
  folder: CheckpointFolder,
  names: readonly string[],
  golden: Golden,
): Promise<boolean> {
  if ([...golden.keys()].some((key) => key.endsWith(".allowed"))) return true;
  if (!names.includes("golden.json")) return false;
  const attention = own(await readJson(folder, "golden.json"), "attention");
  return isObject(attention) && own(attention, "kind") === "block_causal";
}

/** Rows of the rotary tables that the golden positions need. */
export async function rotaryRows(golden: Golden, inputs: readonly string[]): Promise<number> {
  const all = await Promise.all(inputs.map((input) => readLongs(golden, `in.${input}.position_ids`)));
  const largest = all.flat().reduce((max, position) => Math.max(max, position), 0);
  if (largest < MAX_POSITIONS) return largest + 1;
  throw new UnmaskError("golden-invalid", `The golden file has the position ${largest}.`);
}

/** @throws UnmaskError `golden-invalid` when the tensors of an input do not fit together */
export async function readInput(golden: Golden, input: string, vocab: number): Promise<ReferenceInput> {
  const broken = (what: string) =>
    new UnmaskError("golden-invalid", `The input ${input} of the golden file ${what}.`);
  const ids = await readLongs(golden, `in.${input}.input_ids`);
  const positions = await readLongs(golden, `in.${input}.position_ids`);
  if (ids.length === 0 || positions.length !== ids.length || positions.some((row) => row < 0))
    throw broken("has no position for every id");
  if (ids.some((id) => id < 0 || id >= vocab)) throw broken("has ids outside the vocabulary");
  const allowed = golden.get(`in.${input}.allowed`);
  if (allowed !== undefined && (allowed.dtype !== "U8" || allowed.bytes !== ids.length ** 2)) {
    throw broken("has no [S, S] mask of bytes");
  }
  const sigma = golden.get(`in.${input}.sigma`);
  return {
    ids,
    positions,
    ...(allowed && { allowed: await allowed.source.read(allowed.offset, allowed.bytes) }),
    ...(sigma && { sigma: (await readFloats(sigma))[0] ?? 0 }),
  };
}

async function readLongs(golden: Golden, name: string): Promise<number[]> {
  const tensor = golden.get(name);
  if (tensor?.dtype !== "I64")
    throw new UnmaskError("golden-invalid", `The golden file has no I64 tensor ${name}.`);
  const bytes = await tensor.source.read(tensor.offset, tensor.bytes);
  return Array.from(new BigInt64Array(bytes.buffer), Number);
}

/** `allowed [S, S]` (absent: all) to an additive bias `[S * rep, S]`, a row for each folded head group. */
export function attentionBias(
  allowed: Uint8Array | undefined,
  size: number,
  rep: number,
  type: "f32" | "f16",
): Float32Array {
  const closed = type === "f16" ? -3e4 : -1e9;
  return Float32Array.from({ length: size * rep * size }, (_, at) => {
    const row = Math.floor(at / (size * rep));
    return allowed?.[row * size + (at % size)] === 0 ? closed : 0;
  });
}
