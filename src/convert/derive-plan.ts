import type { DerivePlan } from "../model/manifest.ts";
import type { DataShard } from "./graph/graph.ts";
import { bodyMatrices, type Transformer } from "./transformer/transformer.ts";
import type { ScaleType } from "./weights/quantize.ts";
import { type FormOf, packedName, scalesName, zerosName } from "./weights/weights-blocks.ts";
import { channelsName, int8Name } from "./weights/weights-int8.ts";

/**
 * How the int8 data file is made from the block-quantised one: matrices by name, everything else (token table, norms,
 * rotary tables, biases) copied.
 */
export function planDerivation(
  model: Transformer,
  source: { readonly shard: DataShard; readonly form: FormOf; readonly scales: ScaleType },
  target: DataShard,
): DerivePlan {
  const from = offsets(source.shard);
  const to = offsets(target);
  const at = (places: ReadonlyMap<string, number>, name: string): number => places.get(name) ?? fail(name);
  const head = model.head.matrix;
  const matrices = [...bodyMatrices(model), head];
  const derived = new Set(matrices.flatMap(({ name }) => [int8Name(name), channelsName(name)]));
  return {
    location: `onnx/${target.location}`,
    bytes: target.bytes,
    matrices: matrices.map((matrix) => ({
      n: matrix.n,
      k: matrix.k,
      bits: source.form(matrix).bits,
      ...(source.form(matrix).zeros && { zeros: at(from, zerosName(matrix.name)) }),
      packed: at(from, packedName(matrix.name)),
      scales: at(from, scalesName(matrix.name)),
      scaleType: source.scales,
      weights: at(to, int8Name(matrix.name)),
      channelScales: at(to, channelsName(matrix.name)),
    })),
    copies: target.pieces
      .filter(({ weight }) => !derived.has(weight.name))
      .map(({ offset, weight }) => ({ from: at(from, weight.name), to: offset, bytes: weight.bytes })),
  };
}

function offsets(shard: DataShard): ReadonlyMap<string, number> {
  return new Map(shard.pieces.map(({ offset, weight }) => [weight.name, offset]));
}

function fail(name: string): never {
  throw new Error(`The source data file has no ${name}.`);
}
