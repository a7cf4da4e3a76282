import type { BundleDraft } from "./bundle-draft.ts";
import type { ConvertOptions } from "./convert-options.ts";
import { planDerivation } from "./derive-plan.ts";
import { DTYPES, type Dtype, type StoredDtype } from "./dtype.ts";
import type { DataShard, PlannedGraph } from "./graph/graph.ts";
import { formsOf } from "./q4-recipe.ts";
import { halfGolden, referenceGolden } from "./reference/golden.ts";
import type { ReferenceWeights } from "./reference/reference.ts";
import { int8Weights, storedWeights } from "./reference/stored-weights.ts";
import { writeHashed } from "./target/bundle-target.ts";
import type { Journal } from "./target/journal.ts";
import { createMeter } from "./target/meter.ts";
import { writeShard } from "./target/write-shard.ts";
import { bodyMatrices, type Transformer } from "./transformer/transformer.ts";
import { transformerGraph } from "./transformer/transformer-graph.ts";
import { BLOCK } from "./weights/quantize.ts";
import type { WeightStyle } from "./weights/weights.ts";
import { blockStyle, type FormOf } from "./weights/weights-blocks.ts";
import { floatStyle } from "./weights/weights-float.ts";
import { int8Style } from "./weights/weights-int8.ts";

/** A bundle whose variants are made from a checkpoint. */
export interface VariantDraft extends BundleDraft {
  readonly journal: Journal;
  readonly model: Transformer;
  readonly options: ConvertOptions;
}

/** Writes graph, data and golden forward of every variant that the options ask for. @throws UnmaskError */
export async function writeVariants(draft: VariantDraft): Promise<void> {
  const { dtypes, warn } = draft.options;
  const wanted = new Set(dtypes);
  if (wanted.has("q4f16")) wanted.add("q4");
  if (wanted.has("q8f16")) wanted.add("q8");
  const base = (["q4", "q8"] as const).find((dtype) => wanted.has(dtype));
  if (wanted.has("int8") && base === undefined) {
    warn("q4-added", "int8 is derived from q4 at load, so q4 is added.");
    wanted.add("q4");
  }
  for (const dtype of DTYPES) {
    if (dtype === "int8" || dtype === "q4f16" || dtype === "q8f16" || !wanted.has(dtype)) continue;
    draft.options.progress(`converting ${dtype}`);
    const form = formOf(draft, dtype);
    const plan = planVariant(draft, dtype, styleOf(dtype, form, warn));
    await writeGraph(draft, dtype, plan);
    const weights = storedWeights(draft.model, plan, dtype, form, (file) =>
      draft.target.open(`onnx/${file}`),
    );
    await recordGolden(draft, dtype, weights);
    if (dtype === "q4" || dtype === "q8") {
      if (wanted.has(`${dtype}f16`)) await writeHalf(draft, dtype, plan);
    }
    if (wanted.has("int8") && dtype === (base ?? "q4")) await writeInt8(draft, dtype, plan, weights);
  }
}

/** How the matrices of a quantised variant are packed. */
function formOf({ model, options }: VariantDraft, dtype: StoredDtype): FormOf {
  return dtype === "q4" ? formsOf(model, 4, options.q4) : formsOf(model, 8);
}

function styleOf(dtype: StoredDtype, form: FormOf, warn: ConvertOptions["warn"]): WeightStyle {
  const overflow = (name: string) =>
    warn("f16-overflow", `${name} holds values beyond the range of f16; they are cut to its largest.`);
  if (dtype === "f32" || dtype === "f16") return floatStyle(dtype, overflow);
  return blockStyle({ ...blocksOf(dtype), form, overflow });
}

function blocksOf(dtype: "q4" | "q8") {
  return { bits: dtype === "q4" ? 4 : 8, scales: "f16", recipe: "search" } as const;
}

function planVariant(
  { model, maxCanvas }: VariantDraft,
  dtype: Dtype,
  style: WeightStyle,
  shared: readonly DataShard[] = [],
): PlannedGraph {
  const location = `model_${dtype}.onnx_data`;
  return transformerGraph(model, style, {
    location,
    masked: model.facts.attention.kind !== "full",
    positions: maxCanvas,
    shared,
  });
}

/** Writes graph and data files of a stored variant. */
async function writeGraph(draft: VariantDraft, dtype: Dtype, plan: PlannedGraph): Promise<void> {
  const { target, journal, options } = draft;
  const graph = `onnx/model_${dtype}.onnx`;
  draft.files.push(await writeHashed(target, graph, plan.model));
  const report = progressOf(plan.shards, (text, share) => {
    options.progress(`converting ${dtype}: ${text}`, share);
  });
  for (const shard of plan.shards) {
    const path = `onnx/${shard.location}`;
    draft.files.push(await writeShard(target, journal, path, shard, (done) => report(shard, done)));
  }
  draft.variants[dtype] = { graph, data: plan.shards.map((shard) => `onnx/${shard.location}`) };
}

/** Turns bytes done of a shard into progress of them all. The first report counts as what an earlier run did. */
function progressOf(shards: readonly DataShard[], progress: ConvertOptions["progress"]) {
  const total = shards.reduce((sum, { bytes }) => sum + bytes, 0);
  let meter: ReturnType<typeof createMeter> | undefined;
  return (shard: DataShard, done: number) => {
    const before = shards.slice(0, shards.indexOf(shard)).reduce((sum, { bytes }) => sum + bytes, 0);
    meter ??= createMeter(total, before + done);
    progress(meter(before + done), (before + done) / total);
  };
}

/**
 * The graph of f16 activations over the weights of `base`: its own data file holds norms and rotary tables in f16 and is
 * small. Whether f16 holds the model shows where it is loaded, in the golden forward.
 */
async function writeHalf(draft: VariantDraft, base: "q4" | "q8", source: PlannedGraph): Promise<void> {
  const dtype = `${base}f16` as const;
  const plan = planVariant(
    draft,
    dtype,
    blockStyle({ ...blocksOf(base), form: formOf(draft, base), activation: "f16" }),
    source.shards,
  );
  draft.options.progress(`converting ${dtype}`);
  await writeGraph(draft, dtype, plan);
  const { graph, data } = draft.variants[dtype]!; // written just now
  draft.variants[dtype] = { graph, data: [...draft.variants[base]!.data, ...data] };
  const exact = draft.golden[base];
  if (exact !== undefined) draft.golden[dtype] = halfGolden(exact);
}

/** The int8 graph and the plan to derive its weights; the weights themselves are not stored. */
async function writeInt8(
  draft: VariantDraft,
  base: "q4" | "q8",
  source: PlannedGraph,
  weights: ReferenceWeights,
): Promise<void> {
  const ragged = [...bodyMatrices(draft.model), draft.model.head.matrix].find(({ k }) => k % BLOCK !== 0);
  if (ragged !== undefined) {
    const message = `int8 needs whole blocks of ${BLOCK}, but ${ragged.name} has ${ragged.k} columns; it is left out.`;
    draft.options.warn("int8-skipped", message);
    return;
  }
  const form = formOf(draft, base);
  const plan = planVariant(draft, "int8", int8Style(styleOf(base, form, () => {})));
  const [from, ...more] = source.shards;
  const [to, ...rest] = plan.shards;
  if (from === undefined || to === undefined || more.length + rest.length > 0) {
    draft.options.warn(
      "int8-skipped",
      "int8 is only derived from a single data file of at most 1 GB; it is left out.",
    );
    return;
  }
  const derive = planDerivation(draft.model, { shard: from, form, scales: "f16" }, to);
  const graph = "onnx/model_int8.onnx";
  draft.files.push(await writeHashed(draft.target, graph, plan.model));
  draft.variants["int8"] = { graph, data: [], from: base, derive };
  await recordGolden(draft, "int8", int8Weights(weights), base);
}

async function recordGolden(
  draft: VariantDraft,
  dtype: Dtype,
  weights: ReferenceWeights,
  base?: Dtype,
): Promise<void> {
  const report = (share: number) => draft.options.progress(`golden forward ${dtype}`, share);
  report(0);
  const rounded = base && draft.golden[base];
  draft.golden[dtype] = await referenceGolden(draft.model, weights, draft.ids, dtype, report, rounded);
}
