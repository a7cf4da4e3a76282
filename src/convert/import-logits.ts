import { isUnmaskError, UnmaskError } from "../core/errors.ts";
import type { Manifest } from "../model/manifest.ts";
import { type BundleDraft, createDraft, finishBundle } from "./bundle-draft.ts";
import { type BundleTarget, writeHashed } from "./bundle-target.ts";
import type { CheckpointFolder } from "./byte-source.ts";
import { readJson } from "./checkpoint.ts";
import type { ConvertOptions } from "./convert-options.ts";
import type { Dtype } from "./dtype.ts";
import { profileNamed, profileOfRepository } from "./families/profiles.ts";
import { graphGolden } from "./golden.ts";
import type { Inspection } from "./inspect.ts";
import { adaptLogitsGraph, type LogitsGraph } from "./logits-graph.ts";
import { openGraph } from "./run-graph.ts";
import { givenTokens, readSidecar } from "./sidecar.ts";
import { findTokens } from "./tokens.ts";

/**
 * Existing ONNX exports of diffusion models (`input_ids` to `logits`, perhaps with an attention mask): a bundle without
 * layers to cache, so every forward computes the whole canvas. Statistics come from the logits as for any bundle.
 */

/** Positions are counted inside such graphs, so nothing says where they end. */
const MAX_CANVAS = 1024;
const MAX_FILE_BYTES = 2_000_000_000;
const MAX_GOLDEN_BYTES = 1_800_000_000;
const DATA_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

function isOnnxFile(name: string): boolean {
  return /^[A-Za-z0-9_.-]+\.onnx$/.test(name);
}

/**
 * @param folder tokenizer files, and config.json and the sidecar where there are any
 * @param graphs the `.onnx` files and their data
 * @throws UnmaskError `checkpoint-unsupported`, `checkpoint-invalid`, `invalid-options`, `write-failed`
 */
export async function importLogitsModel(
  folder: CheckpointFolder,
  graphs: CheckpointFolder,
  openTarget: () => Promise<BundleTarget>,
  options: ConvertOptions,
): Promise<Manifest> {
  const names = await folder.names();
  const sidecar = await readSidecar(folder);
  const config = names.includes("config.json") ? await readJson(folder, "config.json") : {};
  const chosen = await chooseGraphs(graphs, options.dtypes);
  const adapted = await Promise.all(
    chosen.map(async ({ dtype, file }) => {
      const graph = adaptLogitsGraph(await readWhole(graphs, file));
      return { dtype, graph };
    }),
  );
  const [first] = adapted;
  if (first === undefined) throw noGraph(graphs.name);
  const { vocab, masked } = first.graph;
  if (adapted.some(({ graph }) => graph.vocab !== vocab || graph.masked !== masked)) {
    throw new UnmaskError("checkpoint-invalid", `The graphs of ${graphs.name} are not of one model.`);
  }
  const asked = options.profile ?? sidecar.profile ?? profileOfRepository(options.name);
  const profile = profileNamed(asked ?? (masked ? "bd3lm" : "mdlm"));
  if ((profile.attention.kind === "block-causal") !== masked) {
    const message = `The profile ${asked} does not fit a graph ${masked ? "with" : "without"} an attention mask.`;
    throw new UnmaskError("invalid-options", message);
  }
  const tokens = await findTokens(folder, config, { vocab }, givenTokens(sidecar, options.mask));
  const facts = {
    family: "logits-only",
    layers: 0,
    heads: 1,
    kvHeads: 1,
    headDim: 0,
    vocab,
    attention: profile.attention,
    logitsShift: profile.logitsShift ?? 0,
  };
  const target = await openTarget();
  try {
    const draft = createDraft(target, facts, tokens, sidecar.maxCanvas ?? MAX_CANVAS, sidecar);
    for (const { dtype, graph } of adapted) await writeVariant(draft, graphs, dtype, graph, options);
    options.progress("writing");
    return await finishBundle(draft, folder, options);
  } finally {
    await target.discard();
  }
}

/**
 * What the exports of a folder are, without opening their data.
 *
 * @throws UnmaskError as {@link importLogitsModel}
 */
export async function inspectExport(graphs: CheckpointFolder): Promise<Inspection> {
  const files = (await graphs.names()).filter(isOnnxFile).sort();
  const found = await Promise.all(
    files.map(async (file) => {
      const { vocab, masked, locations } = adaptLogitsGraph(await readWhole(graphs, file));
      const sizes = await Promise.all(locations.map(async (name) => (await graphs.open(name)).size));
      const bytes = sizes.reduce((sum, size) => sum + size, (await graphs.open(file)).size);
      return { file, dtype: dtypeOf(file), vocab, masked, bytes };
    }),
  );
  return { kind: "export", runnable: true, facts: { family: "logits-only", graphs: found }, warnings: [] };
}

/** The precision a file name stands for, in the spellings of transformers.js and of known exports. */
function dtypeOf(file: string): Dtype {
  if (/[_-](q4|int4|bnb4)/i.test(file)) return "q4";
  if (/[_-](q8|int8|uint8|quantized)/i.test(file)) return "q8";
  return /[_-](fp?16|half)/i.test(file) ? "f16" : "f32";
}

/** One graph a dtype, of the dtypes that were asked for. */
async function chooseGraphs(graphs: CheckpointFolder, dtypes: readonly Dtype[]) {
  const files = (await graphs.names()).filter(isOnnxFile).sort();
  if (files.length === 0) throw noGraph(graphs.name);
  const found = new Map(files.map((file) => [dtypeOf(file), file]).reverse() as [Dtype, string][]);
  const chosen = [...found].flatMap(([dtype, file]) => (dtypes.includes(dtype) ? [{ dtype, file }] : []));
  if (chosen.length > 0) return chosen;
  const has = [...found.keys()].join(", ");
  throw new UnmaskError(
    "invalid-options",
    `${graphs.name} has ${has} graphs only; ask for one with --dtype.`,
  );
}

function noGraph(name: string): UnmaskError {
  return new UnmaskError("checkpoint-unsupported", `${name} has no .onnx graph.`);
}

async function readWhole(folder: CheckpointFolder, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const source = await folder.open(name);
  if (source.size > MAX_FILE_BYTES) {
    throw new UnmaskError(
      "checkpoint-unsupported",
      `${name} has ${source.size} bytes; 2 GB is the limit of a file.`,
    );
  }
  return source.read(0, source.size);
}

async function writeVariant(
  draft: BundleDraft,
  graphs: CheckpointFolder,
  dtype: Dtype,
  { model, locations, masked }: LogitsGraph,
  { progress, warn }: ConvertOptions,
): Promise<void> {
  progress(`copying ${dtype}`);
  const path = `onnx/model_${dtype}.onnx`;
  draft.files.push(await writeHashed(draft.target, path, model));
  const names = await graphs.names();
  const data: { path: string; data: Uint8Array<ArrayBuffer> }[] = [];
  for (const location of locations) {
    if (!DATA_NAME.test(location) || !names.includes(location)) {
      const what = JSON.stringify(location.slice(0, 80));
      throw new UnmaskError(
        "checkpoint-invalid",
        `The graph names the data file ${what}, which is not beside it.`,
      );
    }
    const bytes = await readWhole(graphs, location);
    if (!draft.files.some((file) => file.path === `onnx/${location}`)) {
      draft.files.push(await writeHashed(draft.target, `onnx/${location}`, bytes));
    }
    data.push({ path: location, data: bytes });
  }
  const variant = { graph: path, data: locations.map((location) => `onnx/${location}`) };
  draft.variants[dtype] = variant;
  if (model.length + data.reduce((sum, file) => sum + file.data.length, 0) > MAX_GOLDEN_BYTES) {
    warn("golden-skipped", `${dtype} does not fit into WASM memory; it gets no golden forward.`);
    return;
  }
  progress(`golden forward ${dtype}`);
  const forward = async (optimization?: "disabled") => {
    const facts = { layers: 0, kvWidth: 0, type: "f32", ...(optimization && { optimization }) } as const;
    const runner = await openGraph(model, data, facts);
    try {
      return await graphGolden(runner, draft.facts.vocab, draft.ids, "f32", masked);
    } finally {
      await runner.dispose();
    }
  };
  // The fusions of onnxruntime break on the casts of some f16 exports; without them such a graph runs, only slower.
  const golden = await forward().catch((error: unknown) => {
    if (!isUnmaskError(error) || error.code !== "graph-mismatch") throw error;
    draft.variants[dtype] = { ...variant, optimization: "disabled" };
    return forward("disabled");
  });
  // Such graphs may compute in f16 whatever their name, so devices differ by as much.
  const largest = Math.max(...golden.topLogits.flat().map(Math.abs));
  draft.golden[dtype] = { ...golden, tolerance: Number((0.02 + 0.02 * largest).toPrecision(2)) };
}
