import { UnmaskError } from "../core/errors.ts";
import type { DenseModel } from "../model/families.ts";
import { type Checkpoint, requireTensor } from "./checkpoint.ts";
import { chooseHead } from "./head.ts";
import { readFloats, type TensorEntry } from "./safetensors.ts";
import type { Matrix } from "./weights.ts";

/** A bias or norm vector. */
export interface Vector {
  readonly name: string;
  readonly size: number;
  load(): Promise<Float32Array>;
}

export interface DenseLayer {
  readonly inputNorm: Vector;
  readonly q: Matrix;
  readonly k: Matrix;
  readonly v: Matrix;
  readonly o: Matrix;
  readonly qBias?: Vector;
  readonly kBias?: Vector;
  readonly vBias?: Vector;
  readonly oBias?: Vector;
  readonly qNorm?: Vector;
  readonly kNorm?: Vector;
  readonly mlpNorm: Vector;
  readonly gate: Matrix;
  readonly up: Matrix;
  readonly down: Matrix;
}

/** Every tensor of a dense model, found and checked, none read. `head` is `table` itself when tied. */
export interface DenseWeights {
  readonly table: Matrix;
  readonly head: Matrix;
  readonly finalNorm: Vector;
  readonly layers: readonly DenseLayer[];
  /** All tensors of the above, as stored. */
  readonly tensors: readonly TensorEntry[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/**
 * Matches the tensors of a checkpoint with its configuration. Query heads are reordered from `h = g * rep + r` to
 * `h' = r * kvHeads + g`, so that the graph can fold grouped heads into the sequence (runtime-graph.md section 1).
 *
 * @throws UnmaskError `checkpoint-invalid` naming the tensor or the key.
 */
export async function planDense(checkpoint: Checkpoint, model: DenseModel): Promise<DenseWeights> {
  const { hidden, inter, heads, kvHeads, headDim, vocab } = model;
  const tensors: TensorEntry[] = [];
  const find = (name: string, shape: readonly number[]) => {
    const tensor = requireTensor(checkpoint, name, shape);
    tensors.push(tensor);
    return tensor;
  };
  const matrix = (name: string, n: number, k: number, change?: (w: Float32Array) => Float32Array): Matrix => {
    const tensor = find(name, [n, k]);
    if (change !== undefined) return { name, n, k, load: async () => change(await readFloats(tensor)) };
    const rows = (start: number, count: number) => readFloats(tensor, start * k, count * k);
    return { name, n, k, load: () => readFloats(tensor), rows };
  };
  const vector = (name: string, size: number, change = (w: Float32Array) => w): Vector => {
    const tensor = find(name, [size]);
    return { name, size, load: async () => change(await readFloats(tensor)) };
  };
  checkVocab(checkpoint, model);
  const table = matrix("model.embed_tokens.weight", vocab, hidden);
  const entry = requireTensor(checkpoint, table.name, [vocab, hidden]);
  const head = await chooseHead(checkpoint, model, entry);

  const width = heads * headDim;
  const kvWidth = kvHeads * headDim;
  const foldRows = (w: Float32Array) => foldHeads(w, model, w.length / width);
  const foldColumns = (w: Float32Array) => (foldsInWeights(model) ? foldHeadColumns(w, model) : w);
  const layers = Array.from({ length: model.layers }, (_, i): DenseLayer => {
    const at = (name: string) => `model.layers.${i}.${name}`;
    return {
      inputNorm: vector(at("input_layernorm.weight"), hidden),
      q: matrix(at("self_attn.q_proj.weight"), width, hidden, foldRows),
      k: matrix(at("self_attn.k_proj.weight"), kvWidth, hidden),
      v: matrix(at("self_attn.v_proj.weight"), kvWidth, hidden),
      o: matrix(at("self_attn.o_proj.weight"), hidden, width, foldColumns),
      ...(model.qkvBias && {
        qBias: vector(at("self_attn.q_proj.bias"), width, foldRows),
        kBias: vector(at("self_attn.k_proj.bias"), kvWidth),
        vBias: vector(at("self_attn.v_proj.bias"), kvWidth),
      }),
      ...(model.outputBias && { oBias: vector(at("self_attn.o_proj.bias"), hidden) }),
      ...(model.qkNorm && {
        qNorm: vector(at("self_attn.q_norm.weight"), headDim),
        kNorm: vector(at("self_attn.k_norm.weight"), headDim),
      }),
      mlpNorm: vector(at("post_attention_layernorm.weight"), hidden),
      gate: matrix(at("mlp.gate_proj.weight"), inter, hidden),
      up: matrix(at("mlp.up_proj.weight"), inter, hidden),
      down: matrix(at("mlp.down_proj.weight"), hidden, inter),
    };
  });
  const message =
    "config.json ties lm_head.weight to the token table, but a different lm_head.weight is stored; the stored one is used.";
  return {
    table,
    head: head.kind === "tied" ? table : matrix("lm_head.weight", vocab, hidden),
    finalNorm: vector("model.norm.weight", hidden),
    layers,
    tensors,
    warnings: head.kind === "stored" && head.differs ? [{ code: "lm-head-differs", message }] : [],
  };
}

/**
 * Reordering the columns of o_proj keeps its quantisation blocks whole only when a head is a whole number of them;
 * otherwise the graph reorders the activations instead.
 */
export function foldsInWeights(model: DenseModel): boolean {
  return model.headDim % 32 === 0;
}

function checkVocab(checkpoint: Checkpoint, model: DenseModel): void {
  const rows = checkpoint.tensors.get("model.embed_tokens.weight")?.shape[0];
  if (rows !== undefined && rows !== model.vocab) {
    throw new UnmaskError(
      "checkpoint-invalid",
      `config.json says vocab_size ${model.vocab}, but model.embed_tokens.weight has ${rows} rows.`,
    );
  }
}

/** Reorders head-sized groups of rows; `columns` is the row length (1 for a bias). */
function foldHeads(
  weights: Float32Array,
  { heads, kvHeads, headDim }: DenseModel,
  columns: number,
): Float32Array {
  const rep = heads / kvHeads;
  if (rep === 1) return weights;
  const out = new Float32Array(weights.length);
  const size = headDim * columns;
  for (let g = 0; g < kvHeads; g++) {
    for (let r = 0; r < rep; r++) {
      const from = (g * rep + r) * size;
      out.set(weights.subarray(from, from + size), (r * kvHeads + g) * size);
    }
  }
  return out;
}

/** The same order for the columns of o_proj, row by row. */
function foldHeadColumns(weights: Float32Array, model: DenseModel): Float32Array {
  const width = model.heads * model.headDim;
  const out = new Float32Array(weights.length);
  for (let at = 0; at < weights.length; at += width) {
    out.set(foldHeads(weights.subarray(at, at + width), model, 1), at);
  }
  return out;
}
