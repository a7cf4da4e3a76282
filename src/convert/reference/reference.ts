import type { Layer, Linear, Norm, Transformer, Vector } from "../transformer/transformer.ts";
import type { Matrix } from "../weights/weights.ts";
import { ACTIVATE, addGated, modulate, multiply, type Row, rotate } from "./reference-math.ts";

/**
 * The forward pass in plain float64, written for reading: what quantised builds are compared with where no golden
 * logits exist, and what a bundle's golden forward comes from. It shares the plan of a checkpoint with the graph and
 * nothing else, and holds a block of rows of one matrix at a time.
 */

export interface ReferenceInput {
  readonly ids: readonly number[];
  readonly positions: readonly number[];
  /** `[S, S]`, row = query: 1 may attend. Absent: everything attends to everything, within the windows. */
  readonly allowed?: Uint8Array;
  /** Noise level of models that are told it. */
  readonly sigma?: number;
}

/** What the forward multiplies by: the weights as stored, or as a quantised build reads them. */
export interface ReferenceWeights {
  /** Rows `[start, start + count)` of a linear map, `[count, k]`. */
  rows(matrix: Matrix, start: number, count: number): Promise<Float32Array>;
  /** One row of the token table, where a build reads it otherwise than as a linear map. */
  embedding?(table: Matrix, id: number): Promise<Float32Array>;
  /** What a build makes of the activations `[.., k]` before it multiplies them; absent: nothing. */
  activations?(x: Float64Array, k: number): Float64Array;
  /** Hears every product and every state of the stream. */
  watch?(x: Float64Array): void;
}

/** The weights of a model that fits into memory. */
export function wholeMatrices(read: (matrix: Matrix) => Promise<Float32Array>): ReferenceWeights {
  return {
    rows: async (matrix, start, count) =>
      (await read(matrix)).subarray(start * matrix.k, (start + count) * matrix.k),
  };
}

/** 8 MB of f32. */
const BLOCK_VALUES = 1 << 21;

/** Logits `[S, vocab]`. */
export async function referenceForward(
  model: Transformer,
  input: ReferenceInput,
  weights: ReferenceWeights,
): Promise<Float64Array> {
  const { hidden } = model.facts;
  const apply = (linear: Linear, x: Float64Array) => applyLinear(linear, x, weights);
  const normalise = (norm: Norm, x: Float64Array) => applyNorm(model, norm, x);
  let x = await embed(model, input.ids, weights);
  const join = (branch: Float64Array, gate: Row) => {
    x = addGated(x, branch, gate);
    weights.watch?.(x);
  };
  if (model.embedNorm !== undefined) x = await normalise(model.embedNorm, x);
  const vector = await conditioning(model, input.sigma ?? 0, apply);
  const parts = async (linear: Linear | undefined) =>
    linear === undefined || vector === undefined ? undefined : await apply(linear, vector);
  for (const layer of model.layers) {
    const now = await parts(layer.modulation);
    const part = (index: number) => now?.subarray(index * hidden, (index + 1) * hidden);
    const seen = layer.attentionNorm === undefined ? x : await normalise(layer.attentionNorm, x);
    const attended = await attention(model, layer, input, modulate(seen, part(0), part(1)), apply);
    join(attended, part(2) ?? (await layer.attentionGate?.load()));
    const inner = modulate(await normalise(layer.mlpNorm, x), part(3), part(4));
    const gate = (await apply(layer.gate, inner)).map(ACTIVATE[model.activation]);
    const up = layer.up === undefined ? undefined : await apply(layer.up, inner);
    const fed = await apply(layer.down, up === undefined ? gate : gate.map((value, i) => value * up[i]!));
    join(fed, part(5) ?? (await layer.mlpGate?.load()));
  }
  const now = await parts(model.conditioning?.output);
  x = modulate(await normalise(model.finalNorm, x), now?.subarray(0, hidden), now?.subarray(hidden));
  if (model.prediction !== undefined) {
    const { dense, activation, norm } = model.prediction;
    x = await normalise(norm, (await apply(dense, x)).map(ACTIVATE[activation]));
  }
  return apply(model.head, x);
}

async function embed(
  { table }: Transformer,
  ids: readonly number[],
  weights: ReferenceWeights,
): Promise<Float64Array> {
  const x = new Float64Array(ids.length * table.k);
  for (const [row, id] of ids.entries()) {
    x.set((await weights.embedding?.(table, id)) ?? (await weights.rows(table, id, 1)), row * table.k);
  }
  return x;
}

type Apply = (linear: Linear, x: Float64Array) => Promise<Float64Array>;

/** Rows of `x` `[.., k]` to `[.., n]`. */
async function applyLinear(
  { matrix, bias }: Linear,
  x: Float64Array,
  weights: ReferenceWeights,
): Promise<Float64Array> {
  const { n, k } = matrix;
  const read = weights.activations?.(x, k) ?? x;
  const offsets = await bias?.load();
  const y = new Float64Array((x.length / k) * n);
  const count = Math.max(1, Math.floor(BLOCK_VALUES / k));
  for (let start = 0; start < n; start += count) {
    const block = await weights.rows(matrix, start, Math.min(count, n - start));
    multiply(read, block, k, start, n, y);
  }
  if (offsets !== undefined) for (let i = 0; i < y.length; i++) y[i]! += offsets[i % n]!;
  weights.watch?.(y);
  return y;
}

async function applyNorm(
  { norm }: Transformer,
  { gamma, beta }: Norm,
  x: Float64Array,
): Promise<Float64Array> {
  const y = await normRows(gamma, x, norm.kind === "layer", norm.eps);
  const offsets = await beta?.load();
  return offsets === undefined ? y : y.map((value, at) => value + offsets[at % gamma.size]!);
}

async function normRows(
  gamma: Vector,
  x: Float64Array,
  centred: boolean,
  eps: number,
): Promise<Float64Array> {
  const { size } = gamma;
  const weights = await gamma.load();
  const y = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += size) {
    const row = x.subarray(from, from + size);
    const mean = centred ? row.reduce((sum, value) => sum + value, 0) / size : 0;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    row.forEach((value, i) => {
      y[from + i] = ((value - mean) / Math.sqrt(variance + eps)) * weights[i]!;
    });
  }
  return y;
}

async function attention(
  { facts, norm }: Transformer,
  layer: Layer,
  { positions, allowed }: ReferenceInput,
  x: Float64Array,
  apply: Apply,
): Promise<Float64Array> {
  const { heads, kvHeads, headDim } = facts;
  const size = positions.length;
  const headNorm = (gamma: Vector | undefined, y: Float64Array) =>
    gamma === undefined ? y : normRows(gamma, y, false, norm.eps);
  const q = rotate(await headNorm(layer.qNorm, await apply(layer.q, x)), layer.ropeTheta, positions, headDim);
  const k = rotate(await headNorm(layer.kNorm, await apply(layer.k, x)), layer.ropeTheta, positions, headDim);
  const v = await apply(layer.v, x);
  const window = layer.window ?? size;
  const mixed = new Float64Array(size * heads * headDim);
  for (let head = 0; head < heads; head++) {
    const kvHead = Math.floor(head / (heads / kvHeads));
    for (let row = 0; row < size; row++) {
      const at = (row * heads + head) * headDim;
      const scores = positions.map((_, key) => {
        if (Math.abs(row - key) > window || allowed?.[row * size + key] === 0)
          return Number.NEGATIVE_INFINITY;
        const from = (key * kvHeads + kvHead) * headDim;
        let dot = 0;
        for (let i = 0; i < headDim; i++) dot += q[at + i]! * k[from + i]!;
        return dot / Math.sqrt(headDim);
      });
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, key) => {
        const from = (key * kvHeads + kvHead) * headDim;
        for (let i = 0; i < headDim; i++) mixed[at + i]! += (weight / total) * v[from + i]!;
      });
    }
  }
  return apply(layer.o, mixed);
}

async function conditioning(
  model: Transformer,
  sigma: number,
  apply: Apply,
): Promise<Float64Array | undefined> {
  if (model.conditioning === undefined) return undefined;
  const { first, second, frequencies } = model.conditioning;
  const angles = Array.from(await frequencies.load(), (frequency) => sigma * frequency);
  const waves = Float64Array.from([...angles.map(Math.cos), ...angles.map(Math.sin)]);
  const inner = (await apply(first, waves)).map(ACTIVATE.silu);
  return (await apply(second, inner)).map(ACTIVATE.silu);
}
