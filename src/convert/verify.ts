import { UnmaskError } from "../core/errors.ts";
import { type DenseModel, describeModel } from "../model/families.ts";
import type { CheckpointFolder } from "./byte-source.ts";
import { type Checkpoint, openCheckpoint, readJson } from "./checkpoint.ts";
import { denseGraph } from "./dense-graph.ts";
import { planDense } from "./dense-weights.ts";
import { readShard } from "./graph.ts";
import { isObject, own } from "./json.ts";
import type { ScaleType } from "./quantize.ts";
import { type GraphRunner, openGraph } from "./run-graph.ts";
import { readFloats, readSafetensors, type TensorEntry } from "./safetensors.ts";
import type { WeightStyle } from "./weights.ts";
import { blockStyle } from "./weights-blocks.ts";
import { floatStyle } from "./weights-float.ts";

export interface VerifyCase {
  /** `folder/input`. */
  readonly name: string;
  readonly dtype: "f32" | "f16" | "q8" | "q4";
  /** Of quantised builds: how the golden file stores block scales. */
  readonly scales?: ScaleType;
  /** L2 of the difference over L2 of the golden logits. */
  readonly maxRelError: number;
  readonly argmaxAgreement: number;
  /** Mean KL divergence in nats; gates f16 only. */
  readonly kl: number;
  readonly pass: boolean;
}

/** Gates of ../checkpoints/README.md for dense models on WASM. */
const GATE = { f32: 1e-5, f16: 5e-3, q8: 1e-5, q4: 1e-5 } as const;
const KL_GATE = 1e-4;

interface Build {
  readonly dtype: VerifyCase["dtype"];
  readonly scales?: ScaleType;
  readonly style: WeightStyle;
  /** Golden logits of this build for an input, if the file has them. */
  golden(input: string): string;
}

function builds(): Build[] {
  const quantised = ([4, 8] as const).flatMap((bits) =>
    (["f32", "f16"] as const).map((scales): Build => {
      const dtype = bits === 4 ? "q4" : "q8";
      const style = blockStyle({ bits, scales, recipe: "nearest" });
      return { dtype, scales, style, golden: (input) => `q.${dtype}.s${scales}.${input}.logits` };
    }),
  );
  const floats = (["f32", "f16"] as const).map(
    (dtype): Build => ({ dtype, style: floatStyle(dtype), golden: (input) => `out.${input}.logits` }),
  );
  return [...floats, ...quantised];
}

/**
 * Converts a reference checkpoint in memory by the golden file's own recipe and compares it with the golden logits.
 *
 * @throws UnmaskError `golden-invalid` when the folder has no golden file, and what opening a checkpoint throws.
 */
export async function verifyCheckpoint(folder: CheckpointFolder, label: string): Promise<VerifyCase[]> {
  if (!(await folder.names()).includes("golden.safetensors")) {
    throw new UnmaskError("golden-invalid", `${folder.name} has no golden.safetensors to compare with.`);
  }
  const checkpoint = await openCheckpoint(folder);
  const model = describeModel(checkpoint.config);
  const golden = await readSafetensors(await folder.open("golden.safetensors"), "golden.safetensors");
  const inputs = [...golden.keys()].flatMap((key) => /^in\.(.+)\.input_ids$/.exec(key)?.[1] ?? []);
  if (inputs.length === 0)
    throw new UnmaskError("golden-invalid", `The golden file of ${folder.name} has no inputs.`);
  const masked = await isMasked(folder, golden);
  const cases: VerifyCase[] = [];
  for (const build of builds()) {
    const wanted = inputs.filter((input) => golden.has(build.golden(input)));
    if (wanted.length === 0) continue;
    const runner = await openBuild(checkpoint, model, build, masked);
    try {
      for (const input of wanted) cases.push(await verifyInput(model, golden, build, runner, input, label));
    } finally {
      await runner.dispose();
    }
  }
  return cases;
}

async function isMasked(
  folder: CheckpointFolder,
  golden: ReadonlyMap<string, TensorEntry>,
): Promise<boolean> {
  if ([...golden.keys()].some((key) => key.endsWith(".allowed"))) return true;
  if (!(await folder.names()).includes("golden.json")) return false;
  const attention = own(await readJson(folder, "golden.json"), "attention");
  return isObject(attention) && own(attention, "kind") === "block_causal";
}

async function openBuild(
  checkpoint: Checkpoint,
  model: DenseModel,
  build: Build,
  masked: boolean,
): Promise<GraphRunner> {
  const weights = await planDense(checkpoint, model);
  const positions = Math.min(model.maxPositions, 4096);
  const plan = denseGraph(model, weights, build.style, { location: "data", masked, positions });
  const data = await Promise.all(
    plan.shards.map(async (shard) => ({ path: shard.location, data: await readShard(shard) })),
  );
  const kvWidth = model.kvHeads * model.headDim;
  return openGraph(plan.model, data, { layers: model.layers, kvWidth, type: build.style.activation });
}

async function verifyInput(
  model: DenseModel,
  golden: ReadonlyMap<string, TensorEntry>,
  build: Build,
  runner: GraphRunner,
  input: string,
  label: string,
): Promise<VerifyCase> {
  const ids = await readLongs(golden, `in.${input}.input_ids`);
  const positions = await readLongs(golden, `in.${input}.position_ids`);
  const allowed = golden.get(`in.${input}.allowed`);
  const bias =
    allowed === undefined
      ? undefined
      : attentionBias(await allowed.source.read(allowed.offset, allowed.bytes), ids.length, model, build);
  const rows = ids.map((_, row) => row);
  const { logits } = await runner.run({ ids, positions, rows, ...(bias && { bias }) });
  const expected = await readFloats(golden.get(build.golden(input))!);
  if (expected.length !== logits.length) {
    throw new UnmaskError("golden-invalid", `The golden logits of ${input} have the wrong shape.`);
  }
  const { rel, agreement, kl } = compareLogits(logits, expected, model.vocab);
  const pass = rel <= GATE[build.dtype] && (build.dtype !== "f16" || kl <= KL_GATE);
  return {
    name: `${label}/${input}`,
    dtype: build.dtype,
    ...(build.scales && { scales: build.scales }),
    maxRelError: rel,
    argmaxAgreement: agreement,
    kl,
    pass,
  };
}

/** `allowed [S, S]` to an additive bias `[S * rep, S]`, a row for each folded head group. */
function attentionBias(allowed: Uint8Array, size: number, model: DenseModel, build: Build): Float32Array {
  const rep = model.heads / model.kvHeads;
  const closed = build.style.activation === "f16" ? -3e4 : -1e9;
  return Float32Array.from({ length: size * rep * size }, (_, at) => {
    const row = Math.floor(at / (size * rep));
    return allowed[row * size + (at % size)] === 1 ? 0 : closed;
  });
}

async function readLongs(golden: ReadonlyMap<string, TensorEntry>, name: string): Promise<number[]> {
  const tensor = golden.get(name);
  if (tensor?.dtype !== "I64")
    throw new UnmaskError("golden-invalid", `The golden file has no I64 tensor ${name}.`);
  const bytes = await tensor.source.read(tensor.offset, tensor.bytes);
  return Array.from(new BigInt64Array(bytes.buffer), Number);
}

/** Relative L2 error over everything; argmax agreement (0..1) and mean KL(expected || actual) over rows. */
export function compareLogits(actual: Float32Array, expected: Float32Array, vocab: number) {
  let difference = 0;
  let norm = 0;
  let agreed = 0;
  let kl = 0;
  const rows = expected.length / vocab;
  for (let row = 0; row < rows; row++) {
    const a = actual.subarray(row * vocab, (row + 1) * vocab);
    const e = expected.subarray(row * vocab, (row + 1) * vocab);
    for (let i = 0; i < vocab; i++) {
      difference += (a[i]! - e[i]!) ** 2;
      norm += e[i]! ** 2;
    }
    const [bestA, lseA] = rowSummary(a);
    const [bestE, lseE] = rowSummary(e);
    if (bestA === bestE) agreed++;
    for (let i = 0; i < vocab; i++) kl += Math.exp(e[i]! - lseE) * (e[i]! - lseE - a[i]! + lseA);
  }
  // A NaN anywhere makes every comparison false, and so fails.
  return { rel: Math.sqrt(difference / norm), agreement: agreed / rows, kl: kl / rows };
}

function rowSummary(row: Float32Array): [best: number, lse: number] {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  let sum = 0;
  for (const value of row) sum += Math.exp(value - row[best]!);
  return [best, row[best]! + Math.log(sum)];
}
