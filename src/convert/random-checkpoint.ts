import { copyFile, mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Checkpoints of random bf16 weights, made on the spot: for tests and measurements of the converter at any size. */
export interface RandomShape {
  readonly hidden: number;
  readonly layers: number;
  readonly inter: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
}

/** A bit more than a megabyte of weights. */
export const SMALL: RandomShape = {
  hidden: 128,
  layers: 2,
  inter: 256,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  vocab: 3072,
};

const TOKENIZER = join(import.meta.dirname, "fixtures/a2d-qwen3-mdlm");
const PART_VALUES = 1 << 20;

/** Writes a tied A2D Qwen3 checkpoint with the tokenizer of the fixtures into `folder`. */
export async function writeRandomCheckpoint(folder: string, shape: RandomShape): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await copyFile(join(TOKENIZER, name), join(folder, name));
  }
  const config = {
    model_type: "a2d-qwen3",
    hidden_size: shape.hidden,
    num_hidden_layers: shape.layers,
    intermediate_size: shape.inter,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    vocab_size: shape.vocab,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    tie_word_embeddings: true,
    eos_token_id: 338,
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const tensors = tensorsOf(shape);
  let end = 0;
  const header: Record<string, unknown> = {};
  for (const [name, dims] of tensors) {
    const begin = end;
    end += 2 * countOf(dims);
    header[name] = { dtype: "BF16", shape: dims, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(text.length), true);
  const file = await open(join(folder, "model.safetensors"), "w");
  try {
    await file.appendFile(prefix);
    await file.appendFile(text);
    for (const [tensor, [, dims]] of tensors.entries()) {
      for (let at = 0; at < countOf(dims); at += PART_VALUES) {
        await file.appendFile(randomPart(tensor, at, Math.min(PART_VALUES, countOf(dims) - at), dims));
      }
    }
  } finally {
    await file.close();
  }
}

function tensorsOf(shape: RandomShape): [string, number[]][] {
  const { hidden, layers, inter, heads, kvHeads, headDim, vocab } = shape;
  const layer = (i: number): [string, number[]][] =>
    (
      [
        ["input_layernorm", [hidden]],
        ["self_attn.q_proj", [heads * headDim, hidden]],
        ["self_attn.k_proj", [kvHeads * headDim, hidden]],
        ["self_attn.v_proj", [kvHeads * headDim, hidden]],
        ["self_attn.o_proj", [hidden, heads * headDim]],
        ["self_attn.q_norm", [headDim]],
        ["self_attn.k_norm", [headDim]],
        ["post_attention_layernorm", [hidden]],
        ["mlp.gate_proj", [inter, hidden]],
        ["mlp.up_proj", [inter, hidden]],
        ["mlp.down_proj", [hidden, inter]],
      ] as [string, number[]][]
    ).map(([name, dims]) => [`model.layers.${i}.${name}.weight`, dims]);
  return [
    ["model.embed_tokens.weight", [vocab, hidden]],
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    ["model.norm.weight", [hidden]],
  ];
}

function countOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * Uniform around 0 with the variance of 1 / fan-in; norms around 1. The bf16 are cut, not rounded. Xorshift of 32 bits
 * (Marsaglia 2003), seeded by the place: 600 million numbers are to be had in seconds.
 */
function randomPart(tensor: number, at: number, count: number, dims: readonly number[]): Uint8Array {
  const scale = dims.length === 1 ? 0.1 : Math.sqrt(12 / dims[1]!);
  const centre = dims.length === 1 ? 1 : 0;
  const values = new Float32Array(count);
  let state = Math.imul(tensor + 1, 0x9e3779b1) ^ Math.imul(at + 1, 0x85ebca6b) || 1;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = centre + scale * ((state >>> 0) / 2 ** 32 - 0.5);
  }
  const bits = new Uint32Array(values.buffer);
  const cut = new Uint16Array(count);
  for (let i = 0; i < count; i++) cut[i] = bits[i]! >>> 16;
  return new Uint8Array(cut.buffer);
}
