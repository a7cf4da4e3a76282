import type { CompiledChat } from "../chat/compile.ts";
import { isUnmaskError, UnmaskError } from "../core/errors.ts";
import { deriveInt8 } from "../model/derive-int8.ts";
import { type DenseModel, describeModel } from "../model/families.ts";
import { type Manifest, type ManifestFile, type ManifestVariant, parseManifest } from "../model/manifest.ts";
import { type BundleTarget, writeHashed } from "./bundle-target.ts";
import type { CheckpointFolder } from "./byte-source.ts";
import { findChat } from "./chat.ts";
import { openCheckpoint, readAll } from "./checkpoint.ts";
import { conversionKey } from "./conversion-key.ts";
import { denseGraph } from "./dense-graph.ts";
import { type DenseWeights, planDense } from "./dense-weights.ts";
import { planDerivation } from "./derive-plan.ts";
import { goldenForward, goldenIds } from "./golden.ts";
import type { DataShard, PlannedGraph } from "./graph.ts";
import { type Journal, openJournal } from "./journal.ts";
import { createMeter } from "./meter.ts";
import { checkFinite } from "./safetensors.ts";
import { readSidecar, type Sidecar } from "./sidecar.ts";
import { findTokens, type TokenIds } from "./tokens.ts";
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
  /** Used where the sidecar names none. */
  readonly name: string;
  /** Where the checkpoint is from, for the manifest; the name when left out. */
  readonly source?: string;
  warn(code: string, message: string): void;
  /** Called before each stage and as it goes on; what it throws ends the conversion. */
  progress(text: string): void;
}

const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
const MAX_CANVAS = 2048;
/** WASM memory ends at 4 GB and needs room beside the weights. */
const MAX_GOLDEN_BYTES = 1_800_000_000;

/** The files written so far and what the manifest says about them. */
interface Draft {
  readonly target: BundleTarget;
  readonly journal: Journal;
  readonly model: DenseModel;
  readonly weights: DenseWeights;
  readonly maxCanvas: number;
  readonly ids: readonly number[];
  readonly options: ConvertOptions;
  readonly files: ManifestFile[];
  readonly variants: Record<string, ManifestVariant>;
  readonly golden: Manifest["golden"]["byVariant"];
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
  const model = describeModel(checkpoint.config, options.profile ?? sidecar.profile);
  const target = await openTarget(await conversionKey(checkpoint, options));
  try {
    const journal = openJournal(target);
    const weights = await planDense({ ...checkpoint, fact: journal.fact }, model);
    for (const { code, message } of weights.warnings) options.warn(code, message);
    const given = withoutUndefined({
      ...sidecar.tokens,
      suppress: sidecar.suppress,
      mask: options.mask ?? sidecar.tokens?.mask,
    });
    const tokens = await findTokens(folder, checkpoint.config, model.vocab, given);
    const draft: Draft = {
      target,
      journal,
      model,
      weights,
      maxCanvas: Math.min(sidecar.maxCanvas ?? MAX_CANVAS, model.maxPositions),
      ids: goldenIds(tokens.mask, model.vocab),
      options,
      files: [],
      variants: {},
      golden: {},
    };
    await writeVariants(draft).catch((error: unknown) => everyBroken(error, folder, weights));
    await copyTokenizer(draft, folder);
    options.progress("writing");
    const chat = await knownChat(folder, options);
    const manifest = parseManifest(assemble(draft, tokens, sidecar, chat));
    await target.write("unmask.json", new TextEncoder().encode(`${JSON.stringify(manifest)}\n`));
    await target.commit();
    return manifest;
  } catch (error) {
    if (mayPass(error) && folder.remote === true && (await target.leave())) throw worthGoingOn(error);
    await target.discard();
    throw error;
  }
}

/** A bundle carries the templates of known families as data; any other is copied, but never run. */
async function knownChat(
  folder: CheckpointFolder,
  { warn }: ConvertOptions,
): Promise<CompiledChat | undefined> {
  const found = await findChat(folder);
  if (found === "unknown") {
    warn(
      "chat-unknown",
      "The chat template is of no known family; the bundle continues texts, but cannot chat.",
    );
  }
  return typeof found === "object" ? found : undefined;
}

function mayPass(error: unknown): error is UnmaskError {
  return isUnmaskError(error) && (error.code === "aborted" || error.code === "download-failed");
}

function worthGoingOn({ code, message, detail, cause }: UnmaskError): UnmaskError {
  const advice = "What is done is kept: the same command goes on from there.";
  return new UnmaskError(code, `${message} ${advice}`, { detail, cause });
}

/** One tensor that is not finite is rarely alone; with the files at hand all of them are named. */
async function everyBroken(error: unknown, folder: CheckpointFolder, weights: DenseWeights): Promise<never> {
  const isBroken = isUnmaskError(error) && error.detail["notFinite"] !== undefined;
  if (isBroken && folder.remote !== true) await checkFinite(weights.tensors);
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
    const plan = planVariant(draft, dtype, styleOf(dtype, warn));
    await writeGraph(draft, dtype, plan);
    await recordGolden(draft, dtype, plan, () => readBack(draft, plan));
    if (wanted.has("int8") && dtype === (base ?? "q4")) await writeInt8(draft, dtype, plan);
  }
}

function styleOf(dtype: Exclude<Dtype, "int8">, warn: ConvertOptions["warn"]): WeightStyle {
  const overflow = (name: string) =>
    warn("f16-overflow", `${name} holds values beyond the range of f16; they are cut to its largest.`);
  if (dtype === "f32" || dtype === "f16") return floatStyle(dtype, overflow);
  return blockStyle({ bits: dtype === "q4" ? 4 : 8, scales: "f16", recipe: "search", overflow });
}

function planVariant({ model, weights, maxCanvas }: Draft, dtype: Dtype, style: WeightStyle): PlannedGraph {
  const location = `model_${dtype}.onnx_data`;
  return denseGraph(model, weights, style, {
    location,
    masked: model.attention.kind !== "full",
    positions: maxCanvas,
  });
}

/** Writes graph and data files of a stored variant. */
async function writeGraph(draft: Draft, dtype: Dtype, plan: PlannedGraph): Promise<void> {
  const { target, journal, options } = draft;
  const graph = `onnx/model_${dtype}.onnx`;
  draft.files.push(await writeHashed(target, graph, plan.model));
  const report = progressOf(plan.shards, (text) => options.progress(`converting ${dtype}: ${text}`));
  for (const shard of plan.shards) {
    const path = `onnx/${shard.location}`;
    draft.files.push(await writeShard(target, journal, path, shard, (done) => report(shard, done)));
  }
  draft.variants[dtype] = { graph, data: plan.shards.map((shard) => `onnx/${shard.location}`) };
}

/** Turns bytes done of a shard into progress of them all. The first report counts as what an earlier run did. */
function progressOf(shards: readonly DataShard[], progress: (text: string) => void) {
  const total = shards.reduce((sum, { bytes }) => sum + bytes, 0);
  let meter: ReturnType<typeof createMeter> | undefined;
  return (shard: DataShard, done: number) => {
    const before = shards.slice(0, shards.indexOf(shard)).reduce((sum, { bytes }) => sum + bytes, 0);
    meter ??= createMeter(total, before + done);
    progress(meter(before + done));
  };
}

/** The int8 graph and the plan to derive its weights; the weights themselves are not stored. */
async function writeInt8(draft: Draft, base: "q4" | "q8", source: PlannedGraph): Promise<void> {
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
  const derive = planDerivation(draft.weights, { shard: from, bits, scales: "f16" }, to);
  const graph = "onnx/model_int8.onnx";
  draft.files.push(await writeHashed(draft.target, graph, plan.model));
  draft.variants["int8"] = { graph, data: [], from: base, derive };
  await recordGolden(draft, "int8", plan, async () => {
    const data = deriveInt8(await draft.target.read(`onnx/${from.location}`), derive);
    return [{ path: to.location, data }];
  });
}

type GraphData = readonly { readonly path: string; readonly data: Uint8Array }[];

/** The data files of a stored variant, read back. */
async function readBack({ target }: Draft, { shards }: PlannedGraph): Promise<GraphData> {
  const data: { path: string; data: Uint8Array }[] = [];
  for (const { location } of shards)
    data.push({ path: location, data: await target.read(`onnx/${location}`) });
  return data;
}

/** @param load the data files, which a forward needs in memory; nothing before it does */
async function recordGolden(
  draft: Draft,
  dtype: Dtype,
  plan: PlannedGraph,
  load: () => Promise<GraphData>,
): Promise<void> {
  const bytes = plan.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  if (bytes > MAX_GOLDEN_BYTES) {
    const size = `${(bytes / 1e9).toFixed(1)} GB`;
    draft.options.warn(
      "golden-skipped",
      `${dtype} (${size}) does not fit into WASM memory; it gets no golden forward.`,
    );
    return;
  }
  draft.options.progress(`golden forward ${dtype}`);
  draft.golden[dtype] = await goldenForward(plan.model, await load(), draft.model, draft.ids, dtype);
}

async function copyTokenizer(draft: Draft, folder: CheckpointFolder): Promise<void> {
  const names = await folder.names();
  for (const name of TOKENIZER_FILES.filter((file) => names.includes(file))) {
    draft.files.push(await writeHashed(draft.target, name, await readAll(await folder.open(name), name)));
  }
}

function assemble(draft: Draft, tokens: TokenIds, sidecar: Sidecar, chat: CompiledChat | undefined): unknown {
  const { model, maxCanvas, ids, files, variants, golden } = draft;
  const preset = model.logitsShift === 1 ? "dream-entropy" : "llada";
  const block = model.attention.kind === "full" ? {} : { block: model.attention.block };
  return {
    schema: 1,
    name: sidecar.name ?? draft.options.name,
    licence: sidecar.licence ?? "unknown",
    source: sidecar.source ?? draft.options.source ?? draft.options.name,
    family: model.family,
    attention: model.attention,
    logitsShift: model.logitsShift,
    vocab: model.vocab,
    // An answer ends where a message ends, whatever config.json calls the end of a text.
    tokens: chat?.end === undefined ? tokens : { ...tokens, eos: [...new Set([...tokens.eos, chat.end])] },
    maxCanvas,
    layers: model.layers,
    kvWidth: model.kvHeads * model.headDim,
    variants,
    files,
    ...(sidecar.frequency === undefined ? {} : { frequency: sidecar.frequency }),
    recipes: sidecar.recipes ?? { default: { preset, ...block } },
    ...(chat !== undefined && { chat: chat.template }),
    modes: sidecar.modes ?? { plain: { prefix: [], suffix: [] } },
    golden: { ids: [...ids], positions: ids.map((_, i) => i), byVariant: golden },
  };
}

/** Drops keys whose value is undefined, which valibot's optional fields may carry. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
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
