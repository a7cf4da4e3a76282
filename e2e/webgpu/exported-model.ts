import { createGraph, type GraphBuilder, readShard } from "../../src/convert/graph/graph.ts";
import type { GraphData } from "../../src/convert/graph/graph-host.ts";
import { floatWeight, type Matrix } from "../../src/convert/weights/weights.ts";
import { blockStyle } from "../../src/convert/weights/weights-blocks.ts";

export const EXPORT_VOCAB = 90;
const WIDTH = 64;
const HEADS = 2;
const SIZE = WIDTH / HEADS;

/**
 * One layer of a diffusion model as published exports have it (checkpoints.md section 2): `input_ids` and perhaps an
 * additive mask to `logits`, positions counted inside, attention in single operators, q4 matrices.
 */
export async function exportedModel(
  masked: boolean,
): Promise<{ readonly model: Uint8Array<ArrayBuffer>; readonly data: readonly GraphData[] }> {
  const g = createGraph();
  g.inputs.push({ name: "input_ids", type: "i64", dims: ["batch", "sequence"] });
  if (masked) {
    g.inputs.push({ name: "attention_mask", type: "f32", dims: ["batch", 1, "sequence", "sequence"] });
  }
  g.outputs.push({ name: "logits", type: "f32", dims: ["batch", "sequence", EXPORT_VOCAB] });
  const q4 = blockStyle({ bits: 4, scales: "f32", recipe: "nearest" });
  const linear = (name: string, x: string, n = WIDTH) => q4.linear(g, matrix(name, n, WIDTH), x);
  const table = matrix("table", EXPORT_VOCAB, WIDTH);
  const stream = g.op(
    "Gather",
    [g.weight(floatWeight("table", [EXPORT_VOCAB, WIDTH], "f32", table.load)), "input_ids"],
    { axis: { int: 0 } },
  );
  const x = norm(g, "before", stream);
  const positions = positionsOf(g);
  const q = heads(g, rotate(g, linear("q", x), positions), [0, 2, 1, 3]);
  const k = heads(g, rotate(g, linear("k", x), positions), [0, 2, 3, 1]);
  const v = heads(g, linear("v", x), [0, 2, 1, 3]);
  const scores = g.op("Mul", [g.op("MatMul", [q, k]), g.scalar(SIZE ** -0.5, "f32")]);
  const open = masked ? g.op("Add", [scores, "attention_mask"]) : scores;
  const mixed = g.op("MatMul", [g.op("Softmax", [open], { axis: { int: -1 } }), v]);
  const back = g.op("Transpose", [mixed], { perm: { ints: [0, 2, 1, 3] } });
  const attended = linear("o", g.op("Reshape", [back, g.ints([0, -1, WIDTH])]));
  const last = norm(g, "after", g.op("Add", [stream, attended]));
  g.op("Identity", [linear("head", last, EXPORT_VOCAB)], {}, "logits");
  const { model, shards } = g.finish("model_q4.onnx.data");
  return { model, data: [{ path: "model_q4.onnx.data", data: await readShard(shards[0]!) }] };
}

/** Repeatable noise. */
function matrix(name: string, n: number, k: number): Matrix {
  const load = async () => {
    let state = name.charCodeAt(0);
    return Float32Array.from({ length: n * k }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state / 2 ** 33;
    });
  };
  return { name, n, k, load };
}

function norm(g: GraphBuilder, name: string, x: string): string {
  const load = async () => Float32Array.from({ length: WIDTH }, (_, i) => 1 + Math.sin(i) / 10);
  const gamma = g.weight(floatWeight(name, [WIDTH], "f32", load));
  return g.op("SimplifiedLayerNormalization", [x, gamma], {
    axis: { int: -1 },
    epsilon: { float: 1e-6 },
    stash_type: { int: 1 },
  });
}

/** `[1, sequence]`: 0, 1, 2... */
function positionsOf(g: GraphBuilder): string {
  const ones = g.op("Add", [g.op("Mul", ["input_ids", g.ints([0])]), g.ints([1])]);
  const counted = g.op("CumSum", [ones, g.op("Squeeze", [g.ints([1])])]);
  return g.op("Sub", [counted, g.ints([1])]);
}

function rotate(g: GraphBuilder, x: string, positions: string): string {
  const table = (name: string, wave: (angle: number) => number) => {
    const half = SIZE / 2;
    const angle = (at: number) => Math.floor(at / half) * 10_000 ** (-(at % half) / half);
    const load = async () => Float32Array.from({ length: 64 * half }, (_, at) => wave(angle(at)));
    return g.weight(floatWeight(name, [64, half], "f32", load));
  };
  const inputs = [x, positions, table("cos", Math.cos), table("sin", Math.sin)];
  const attributes = { num_heads: { int: HEADS }, interleaved: { int: 0 } };
  return g.microsoft("RotaryEmbedding", inputs, attributes)[0]!;
}

function heads(g: GraphBuilder, x: string, perm: readonly number[]): string {
  const split = g.op("Reshape", [x, g.ints([0, -1, HEADS, SIZE])]);
  return g.op("Transpose", [split], { perm: { ints: perm } });
}
