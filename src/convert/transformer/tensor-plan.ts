import { UnmaskError } from "../../core/errors.ts";
import { type Checkpoint, requireTensor } from "../checkpoint/checkpoint.ts";
import { readFloats, type TensorEntry } from "../checkpoint/safetensors.ts";
import type { Matrix } from "../weights/weights.ts";
import type { Linear, Norm, Transformer, Vector } from "./transformer.ts";

/** Looks tensors up by name, checks shape and type, and remembers what was asked for. Nothing is read. */
export interface TensorPlan {
  readonly checkpoint: Checkpoint;
  /** @throws UnmaskError `checkpoint-invalid`, `checkpoint-unsupported` naming the tensor; so do all below */
  entry(name: string, shape: readonly number[]): TensorEntry;
  /** `[n, k]` */
  matrix(name: string, n: number, k: number): Matrix;
  vector(name: string, size: number): Vector;
  /** `prefix.weight [n, k]`, and `prefix.bias [n]` when `bias`. */
  linear(prefix: string, n: number, k: number, bias: boolean): Linear;
  /** Linear maps fused by rows, `sizes` rows each. */
  fused(prefix: string, sizes: readonly number[], k: number, bias: boolean): Linear[];
  /** `prefix.weight [size]`, and `prefix.bias` when `beta`. */
  norm(prefix: string, size: number, beta: boolean): Norm;
  /** What was asked for, and a warning when tensors that look like weights of the model were not. */
  finish(): Pick<Transformer, "tensors" | "warnings">;
}

const FLOATS: ReadonlySet<string> = new Set(["F32", "F16", "BF16"]);
/** Buffers that published checkpoints carry along; the graph computes them itself or needs none. */
const BUFFER = /(inv_freq|position_ids|sampling_eps_(min|max)|\.masked_bias)$/;

export function createTensorPlan(checkpoint: Checkpoint): TensorPlan {
  const used = new Map<string, TensorEntry>();
  const entry = (name: string, shape: readonly number[]): TensorEntry => {
    const tensor = requireTensor(checkpoint, name, shape);
    if (!FLOATS.has(tensor.dtype)) {
      const message = `${name} is stored as ${tensor.dtype}; weights must be F32, F16 or BF16.`;
      throw new UnmaskError("checkpoint-unsupported", message, { detail: { tensor: name } });
    }
    used.set(name, tensor);
    return tensor;
  };
  const matrix = (name: string, n: number, k: number): Matrix => {
    const tensor = entry(name, [n, k]);
    const rows = (start: number, count: number) => readFloats(tensor, start * k, count * k);
    return { name, n, k, load: () => readFloats(tensor), rows };
  };
  const vector = (name: string, size: number): Vector => {
    const tensor = entry(name, [size]);
    // Small, and wanted by every variant and by the golden forward: a source far away is asked once.
    let values: Promise<Float32Array> | undefined;
    return {
      name,
      size,
      load: () => {
        values ??= readFloats(tensor);
        return values;
      },
    };
  };
  const fused = (prefix: string, sizes: readonly number[], k: number, bias: boolean): Linear[] => {
    const rows = sizes.reduce((sum, size) => sum + size, 0);
    const weight = entry(`${prefix}.weight`, [rows, k]);
    const stored = bias ? entry(`${prefix}.bias`, [rows]) : undefined;
    let from = 0;
    return sizes.map((n, part) => {
      const start = from;
      from += n;
      const name = (what: string) => `${prefix}.${part}.${what}`;
      const load = () => readFloats(weight, start * k, n * k);
      const rows = (row: number, count: number) => readFloats(weight, (start + row) * k, count * k);
      const made: Linear = { matrix: { name: name("weight"), n, k, load, rows } };
      if (stored === undefined) return made;
      return { ...made, bias: { name: name("bias"), size: n, load: () => readFloats(stored, start, n) } };
    });
  };
  return {
    checkpoint,
    entry,
    matrix,
    vector,
    fused,
    linear: (prefix, n, k, bias) => ({
      matrix: matrix(`${prefix}.weight`, n, k),
      ...(bias && { bias: vector(`${prefix}.bias`, n) }),
    }),
    norm: (prefix, size, beta) => ({
      gamma: vector(`${prefix}.weight`, size),
      ...(beta && { beta: vector(`${prefix}.bias`, size) }),
    }),
    finish: () => {
      const rest = [...checkpoint.tensors.values()].filter(
        ({ name, bytes }) => !used.has(name) && bytes > 0 && name.includes(".") && !BUFFER.test(name),
      );
      const names = rest.slice(0, 5).map(({ name }) => name);
      const more = rest.length > 5 ? ` and ${rest.length - 5} more` : "";
      const message = `The file holds tensors this architecture does not use: ${names.join(", ")}${more}.`;
      return {
        tensors: [...used.values()],
        warnings: rest.length === 0 ? [] : [{ code: "tensors-ignored", message }],
      };
    },
  };
}
