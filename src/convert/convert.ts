import { UnmaskError } from "../core/errors.ts";
import { deriveInt8 } from "../model/derive-int8.ts";
import type { Manifest } from "../model/manifest.ts";
import { type BundleDraft, createDraft, finishBundle } from "./bundle-draft.ts";
import { type BundleTarget, writeHashed } from "./bundle-target.ts";
import type { CheckpointFolder } from "./byte-source.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { planDerivation } from "./derive-plan.ts";
import { describeModel, planModel } from "./families/index.ts";
import { goldenForward } from "./golden.ts";
import { type PlannedGraph, readShard } from "./graph.ts";
import { BLOCK } from "./quantize.ts";
import { checkFinite } from "./safetensors.ts";
import { givenTokens, readSidecar } from "./sidecar.ts";
import { findTokens } from "./tokens.ts";
import { bodyMatrices, type Transformer } from "./transformer.ts";
import { transformerGraph } from "./transformer-graph.ts";
import type { WeightStyle } from "./weights.ts";
import { blockStyle } from "./weights-blocks.ts";
import { floatStyle } from "./weights-float.ts";
import { int8Style } from "./weights-int8.ts";

export const DTYPES = ["f32", "f16", "q8", "q4", "int8"] as const;
export type Dtype = (typeof DTYPES)[number];

export interface ConvertOptions {
  /** int8 is derived from q4 (or q8) at load, so one of them must be among them. */
  readonly dtypes: readonly Dtype[];
  readonly profile?: string;
  /** Mask id of models whose files do not name it. */
  readonly mask?: number;
  /** Used where the sidecar names none. */
  readonly name: string;
  warn(code: string, message: string): void;
  /** Called before each stage; what it throws ends the conversion. */
  progress(text: string): void;
}

const MAX_CANVAS = 2048;
/** WASM memory ends at 4 GB and needs room beside the weights. */
const MAX_GOLDEN_BYTES = 1_800_000_000;

interface Draft extends BundleDraft {
  readonly model: Transformer;
  readonly options: ConvertOptions;
}

/**
 * Converts a checkpoint folder to a bundle (architecture.md 5.3). Configuration, headers and values are checked before
 * anything is written; on failure nothing of the bundle remains.
 *
 * @throws UnmaskError
 */
export async function convertCheckpoint(
  folder: CheckpointFolder,
  openTarget: () => Promise<BundleTarget>,
  options: ConvertOptions,
): Promise<Manifest> {
  const checkpoint = await openCheckpoint(folder);
  const sidecar = await readSidecar(folder);
  const hints = { profile: options.profile ?? sidecar.profile, repository: options.name };
  const model = await planModel(checkpoint, describeModel(checkpoint.config, hints));
  const { facts } = model;
  for (const { code, message } of model.warnings) options.warn(code, message);
  const tokens = await findTokens(folder, checkpoint.config, facts, givenTokens(sidecar, options.mask));
  const maxCanvas = Math.min(sidecar.maxCanvas ?? MAX_CANVAS, facts.maxPositions);
  options.progress("checking");
  await checkFinite(model.tensors);
  const target = await openTarget();
  try {
    const draft: Draft = { ...createDraft(target, facts, tokens, maxCanvas, sidecar), model, options };
    await writeVariants(draft);
    options.progress("writing");
    return await finishBundle(draft, folder, options.name);
  } finally {
    await target.discard();
  }
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
    const plan = planVariant(draft, dtype, styleOf(dtype, warn));
    const data = await writeGraph(draft, dtype, plan);
    await recordGolden(draft, dtype, plan, data);
    if (wanted.has("int8") && dtype === (base ?? "q4")) await writeInt8(draft, dtype, plan, data);
  }
}

function styleOf(dtype: Exclude<Dtype, "int8">, warn: ConvertOptions["warn"]): WeightStyle {
  const overflow = (name: string) =>
    warn("f16-overflow", `${name} holds values beyond the range of f16; they are cut to its largest.`);
  if (dtype === "f32" || dtype === "f16") return floatStyle(dtype, overflow);
  return blockStyle({ bits: dtype === "q4" ? 4 : 8, scales: "f16", recipe: "search", overflow });
}

function planVariant({ model, maxCanvas }: Draft, dtype: Dtype, style: WeightStyle): PlannedGraph {
  const location = `model_${dtype}.onnx_data`;
  return transformerGraph(model, style, {
    location,
    masked: model.facts.attention.kind !== "full",
    positions: maxCanvas,
  });
}

/** Writes graph and data files of a stored variant and returns the data. */
async function writeGraph(draft: Draft, dtype: Dtype, plan: PlannedGraph) {
  const graph = `onnx/model_${dtype}.onnx`;
  draft.files.push(await writeHashed(draft.target, graph, plan.model));
  const data: { path: string; data: Uint8Array<ArrayBuffer> }[] = [];
  for (const shard of plan.shards) {
    const bytes = await readShard(shard);
    draft.files.push(await writeHashed(draft.target, `onnx/${shard.location}`, bytes));
    data.push({ path: shard.location, data: bytes });
  }
  draft.variants[dtype] = { graph, data: plan.shards.map((shard) => `onnx/${shard.location}`) };
  return data;
}

/** The int8 graph and the plan to derive its weights; the weights themselves are not stored. */
async function writeInt8(
  draft: Draft,
  base: "q4" | "q8",
  source: PlannedGraph,
  data: readonly { readonly data: Uint8Array }[],
): Promise<void> {
  const ragged = [...bodyMatrices(draft.model), draft.model.head.matrix].find(({ k }) => k % BLOCK !== 0);
  if (ragged !== undefined) {
    const message = `int8 needs whole blocks of ${BLOCK}, but ${ragged.name} has ${ragged.k} columns; it is left out.`;
    draft.options.warn("int8-skipped", message);
    return;
  }
  const plan = planVariant(draft, "int8", int8Style(styleOf(base, () => {})));
  const [from, ...more] = source.shards;
  const [to, ...rest] = plan.shards;
  if (from === undefined || to === undefined || more.length + rest.length > 0) {
    draft.options.warn(
      "int8-skipped",
      "int8 is only derived from a single data file of at most 1 GB; it is left out.",
    );
    return;
  }
  const bits = base === "q4" ? 4 : 8;
  const derive = planDerivation(draft.model, { shard: from, bits, scales: "f16" }, to);
  const graph = "onnx/model_int8.onnx";
  draft.files.push(await writeHashed(draft.target, graph, plan.model));
  draft.variants["int8"] = { graph, data: [], from: base, derive };
  await recordGolden(draft, "int8", plan, [{ path: to.location, data: deriveInt8(data[0]!.data, derive) }]);
}

async function recordGolden(
  draft: Draft,
  dtype: Dtype,
  plan: PlannedGraph,
  data: readonly { readonly path: string; readonly data: Uint8Array }[],
): Promise<void> {
  const bytes = data.reduce((sum, file) => sum + file.data.length, 0);
  if (bytes > MAX_GOLDEN_BYTES) {
    const size = `${(bytes / 1e9).toFixed(1)} GB`;
    draft.options.warn(
      "golden-skipped",
      `${dtype} (${size}) does not fit into WASM memory; it gets no golden forward.`,
    );
    return;
  }
  draft.options.progress(`golden forward ${dtype}`);
  draft.golden[dtype] = await goldenForward(plan.model, data, draft.model.facts, draft.ids, dtype);
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
