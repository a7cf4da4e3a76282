import { isUnmaskError, UnmaskError } from "../core/errors.ts";
import type { Manifest } from "../model/manifest.ts";
import { type BundleDraft, createDraft, finishBundle } from "./bundle-draft.ts";
import { type BundleTarget, writeHashed } from "./bundle-target.ts";
import type { CheckpointFolder } from "./byte-source.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { conversionKey } from "./conversion-key.ts";
import { planDerivation } from "./derive-plan.ts";
import { describeModel, planModel } from "./families/index.ts";
import { referenceGolden } from "./golden.ts";
import type { DataShard, PlannedGraph } from "./graph.ts";
import { type Journal, openJournal } from "./journal.ts";
import { createMeter } from "./meter.ts";
import { type FormOf, formsOf, type Q4Extra } from "./q4-recipe.ts";
import { BLOCK } from "./quantize.ts";
import type { ReferenceWeights } from "./reference.ts";
import { checkFinite } from "./safetensors.ts";
import { givenTokens, readSidecar } from "./sidecar.ts";
import { int8Weights, storedWeights } from "./stored-weights.ts";
import { findTokens } from "./tokens.ts";
import { bodyMatrices, type Transformer } from "./transformer.ts";
import { transformerGraph } from "./transformer-graph.ts";
import type { WeightStyle } from "./weights.ts";
import { blockStyle } from "./weights-blocks.ts";
import { floatStyle } from "./weights-float.ts";
import { int8Style } from "./weights-int8.ts";
import { writeShard } from "./write-shard.ts";

export const DTYPES = ["f32", "f16", "q8", "q4", "int8"] as const;
export type Dtype = (typeof DTYPES)[number];

export interface ConvertOptions {
  /** int8 is derived from q4 (or q8) at load, so one of them must be among them. */
  readonly dtypes: readonly Dtype[];
  readonly profile?: string;
  /** Mask id of models whose files do not name it. */
  readonly mask?: number;
  /** What q4 does beyond symmetric blocks; nothing when left out. */
  readonly q4?: readonly Q4Extra[];
  /** Used where the sidecar names none. */
  readonly name: string;
  /** Where the checkpoint is from, for the manifest; the name when left out. */
  readonly source?: string;
  warn(code: string, message: string): void;
  /**
   * Called before each stage and as it goes on; what it throws ends the conversion.
   *
   * @param share of the stage that is done, 0 to 1, where it is known
   */
  progress(text: string, share?: number): void;
}

const MAX_CANVAS = 2048;

interface Draft extends BundleDraft {
  readonly journal: Journal;
  readonly model: Transformer;
  readonly options: ConvertOptions;
}

/**
 * Converts a checkpoint to a bundle (architecture.md 5.3). Configuration and headers are checked before anything is
 * written, values as they are read. On failure nothing of the bundle remains; but when a source far away fails or the
 * caller stops it, the finished tensors stay for a later call with the same source and options, as they do when the
 * process is killed.
 *
 * @param openTarget gets the key of what is converted and how
 * @throws UnmaskError
 */
export async function convertCheckpoint(
  folder: CheckpointFolder,
  openTarget: (key: string) => Promise<BundleTarget>,
  options: ConvertOptions,
): Promise<Manifest> {
  const checkpoint = await openCheckpoint(folder);
  const sidecar = await readSidecar(folder);
  const hints = { profile: options.profile ?? sidecar.profile, repository: options.name };
  const described = describeModel(checkpoint.config, hints);
  const target = await openTarget(await conversionKey(checkpoint, options));
  try {
    const journal = openJournal(target);
    const model = await planModel({ ...checkpoint, fact: journal.fact }, described);
    const { facts } = model;
    for (const { code, message } of model.warnings) options.warn(code, message);
    const tokens = await findTokens(folder, checkpoint.config, facts, givenTokens(sidecar, options.mask));
    const maxCanvas = Math.min(sidecar.maxCanvas ?? MAX_CANVAS, facts.maxPositions);
    const draft: Draft = {
      ...createDraft(target, facts, tokens, maxCanvas, sidecar),
      journal,
      model,
      options,
    };
    await writeVariants(draft).catch((error: unknown) => everyBroken(error, folder, model));
    options.progress("writing");
    return await finishBundle(draft, folder, options);
  } catch (error) {
    if (mayPass(error) && folder.remote === true && (await target.leave())) throw worthGoingOn(error);
    await target.discard();
    throw error;
  }
}

function mayPass(error: unknown): error is UnmaskError {
  return isUnmaskError(error) && (error.code === "aborted" || error.code === "download-failed");
}

function worthGoingOn({ code, message, detail, cause }: UnmaskError): UnmaskError {
  const advice = "What is done is kept: the same conversion goes on from there.";
  return new UnmaskError(code, `${message} ${advice}`, { detail, cause });
}

/** One tensor that is not finite is rarely alone; with the files at hand all of them are named. */
async function everyBroken(error: unknown, folder: CheckpointFolder, model: Transformer): Promise<never> {
  const isBroken = isUnmaskError(error) && error.detail["notFinite"] !== undefined;
  if (isBroken && folder.remote !== true) await checkFinite(model.tensors);
  throw error;
}

async function writeVariants(draft: Draft): Promise<void> {
  const { dtypes, warn } = draft.options;
  const base = (["q4", "q8"] as const).find((dtype) => dtypes.includes(dtype));
  const wanted = new Set(dtypes);
  if (wanted.has("int8") && base === undefined) {
    warn("q4-added", "int8 is derived from q4 at load, so q4 is added.");
    wanted.add("q4");
  }
  for (const dtype of DTYPES) {
    if (dtype === "int8" || !wanted.has(dtype)) continue;
    draft.options.progress(`converting ${dtype}`);
    const form = formOf(draft, dtype);
    const plan = planVariant(draft, dtype, styleOf(dtype, form, warn));
    await writeGraph(draft, dtype, plan);
    const weights = storedWeights(draft.model, plan, dtype, form, (file) =>
      draft.target.open(`onnx/${file}`),
    );
    await recordGolden(draft, dtype, weights);
    if (wanted.has("int8") && dtype === (base ?? "q4")) await writeInt8(draft, dtype, plan, weights);
  }
}

/** How the matrices of a quantised variant are packed. */
function formOf({ model, options }: Draft, dtype: Dtype): FormOf {
  return dtype === "q4" ? formsOf(model, 4, options.q4) : formsOf(model, 8);
}

function styleOf(dtype: Exclude<Dtype, "int8">, form: FormOf, warn: ConvertOptions["warn"]): WeightStyle {
  const overflow = (name: string) =>
    warn("f16-overflow", `${name} holds values beyond the range of f16; they are cut to its largest.`);
  if (dtype === "f32" || dtype === "f16") return floatStyle(dtype, overflow);
  return blockStyle({ bits: dtype === "q4" ? 4 : 8, scales: "f16", recipe: "search", form, overflow });
}

function planVariant({ model, maxCanvas }: Draft, dtype: Dtype, style: WeightStyle): PlannedGraph {
  const location = `model_${dtype}.onnx_data`;
  return transformerGraph(model, style, {
    location,
    masked: model.facts.attention.kind !== "full",
    positions: maxCanvas,
  });
}

/** Writes graph and data files of a stored variant. */
async function writeGraph(draft: Draft, dtype: Dtype, plan: PlannedGraph): Promise<void> {
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

/** The int8 graph and the plan to derive its weights; the weights themselves are not stored. */
async function writeInt8(
  draft: Draft,
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
  draft: Draft,
  dtype: Dtype,
  weights: ReferenceWeights,
  base?: Dtype,
): Promise<void> {
  const report = (share: number) => draft.options.progress(`golden forward ${dtype}`, share);
  report(0);
  const rounded = base && draft.golden[base];
  draft.golden[dtype] = await referenceGolden(draft.model, weights, draft.ids, dtype, report, rounded);
}

/** Parses `q4,int8`. @throws UnmaskError `invalid-options` */
export function parseDtypes(text: string): Dtype[] {
  return text.split(",").map((item) => {
    const found = DTYPES.find((dtype) => dtype === item.trim());
    if (found === undefined) {
      throw new UnmaskError("invalid-options", `There is no dtype "${item}"; known: ${DTYPES.join(", ")}.`);
    }
    return found;
  });
}
