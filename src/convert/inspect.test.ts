import { expect, test } from "vitest";
import { type ByteSource, type CheckpointFolder, memorySource } from "./checkpoint/byte-source.ts";
import { inspectCheckpoint } from "./inspect.ts";

/** A one-layer model with a stored head beside its table; `differs` changes the last value of the head. */
function folderOf(remote: boolean, differs: boolean) {
  const [hidden, vocab, inter] = [32, 65_536, 32];
  const config = {
    model_type: "a2d-qwen3",
    hidden_size: hidden,
    num_hidden_layers: 1,
    intermediate_size: inter,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: 32,
    vocab_size: vocab,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
  };
  const names = ["input_layernorm", "post_attention_layernorm", "self_attn.q_norm", "self_attn.k_norm"];
  const matrices = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"];
  const layer = (name: string) => `model.layers.0.${name}.weight`;
  const shapes: [string, number[]][] = [
    ["model.embed_tokens.weight", [vocab, hidden]],
    ...names.map((name): [string, number[]] => [layer(name), [hidden]]),
    ...[...matrices, "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"].map((name): [string, number[]] => [
      layer(name),
      [32, 32],
    ]),
    ["model.norm.weight", [hidden]],
    ["lm_head.weight", [vocab, hidden]],
  ];
  let end = 0;
  const header = Object.fromEntries(
    shapes.map(([name, shape]) => {
      const begin = end;
      end += 2 * shape.reduce((a, b) => a * b, 1);
      return [name, { dtype: "BF16", shape, data_offsets: [begin, end] }];
    }),
  );
  const text = new TextEncoder().encode(JSON.stringify(header));
  const weights = new Uint8Array(8 + text.length + end);
  new DataView(weights.buffer).setBigUint64(0, BigInt(text.length), true);
  weights.set(text, 8);
  if (differs) weights[weights.length - 1] = 1;
  const read = { bytes: 0 };
  const inner = memorySource(weights);
  const counted: ByteSource = {
    size: inner.size,
    read: (offset, length) => {
      read.bytes += length;
      return inner.read(offset, length);
    },
  };
  const folder: CheckpointFolder = {
    name: "head",
    remote,
    names: async () => ["config.json", "model.safetensors"],
    open: async (name) =>
      name === "config.json" ? memorySource(new TextEncoder().encode(JSON.stringify(config))) : counted,
  };
  return { folder, read, table: 2 * vocab * hidden };
}

test("an inspection from afar compares the ends of table and head; at hand, all of both", async () => {
  const far = folderOf(true, false);
  expect((await inspectCheckpoint(far.folder)).facts).toMatchObject({ tied: true });
  expect(far.read.bytes).toBeLessThan(1.1 * far.table);
  const near = folderOf(false, false);
  expect((await inspectCheckpoint(near.folder)).facts).toMatchObject({ tied: true });
  expect(near.read.bytes).toBeGreaterThan(2 * near.table);
  for (const remote of [true, false]) {
    const { facts, warnings } = await inspectCheckpoint(folderOf(remote, true).folder);
    expect(facts).toMatchObject({ tied: false });
    expect(warnings).toContainEqual(expect.objectContaining({ code: "lm-head-differs" }));
  }
});
