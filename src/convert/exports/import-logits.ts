import { isUnmaskError, UnmaskError } from "../../core/errors.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { OrtModule } from "../../runtime/ort/ort.ts";
import { type BundleDraft, createDraft, finishBundle } from "../bundle-draft.ts";
import type { ByteSource, CheckpointFolder } from "../checkpoint/byte-source.ts";
import type { ConvertOptions } from "../convert-options.ts";
import type { Dtype } from "../dtype.ts";
import { wasmHostOf } from "../graph/graph-host.ts";
import { openGraph } from "../graph/run-graph.ts";
import { graphGolden } from "../reference/golden.ts";
import type { BundleTarget } from "../target/bundle-target.ts";
import { copyShard } from "../target/copy-shard.ts";
import { type Journal, openJournal } from "../target/journal.ts";
import { createMeter } from "../target/meter.ts";
import { stopWriting } from "../target/stop-writing.ts";
import { writeShard } from "../target/write-shard.ts";
import { type FoundGraph, readExport } from "./export-folder.ts";
import { exportKey } from "./export-key.ts";

/**
 * Existing ONNX exports of diffusion models (`input_ids` to `logits`, perhaps with an attention mask): a bundle without
 * layers to cache, so every forward computes the whole canvas. Statistics come from the logits as for any bundle.
 */

/** Positions are counted inside such graphs, so nothing says where they end. */
const MAX_CANVAS = 1024;
const MAX_GOLDEN_BYTES = 1_800_000_000;

/** What {@link importLogitsModel} takes over, and what it runs it on. */
export interface ImportOptions extends ConvertOptions {
  /** The runtime for the golden forward; WASM on one thread is what is asked of it. */
  loadOrt(): Promise<OrtModule>;
}

/**
 * Takes over one graph a dtype, of the dtypes that are asked for. Files are copied in parts, so that nothing large is in
 * memory before the golden forward, which holds one graph with its weights. A copy that was cut off is gone on with.
 *
 * @param folder tokenizer files, and config.json and the sidecar where there are any
 * @param graphs the `.onnx` files and their data
 * @param openTarget gets the key of what is copied
 * @throws UnmaskError `checkpoint-unsupported`, `checkpoint-invalid`, `invalid-options`, `write-failed`
 */
export async function importLogitsModel(
  folder: CheckpointFolder,
  graphs: CheckpointFolder,
  openTarget: (key: string) => Promise<BundleTarget>,
  options: ImportOptions,
): Promise<Manifest> {
  const found = await readExport(folder, graphs, { ...options, repository: options.name });
  const chosen = choose(found.graphs, options.dtypes, graphs.name);
  const tokens = await found.tokens();
  const key = await exportKey(folder, chosen, options);
  const target = await openTarget(key);
  try {
    const draft = createDraft(
      target,
      found.facts,
      tokens,
      found.sidecar.maxCanvas ?? MAX_CANVAS,
      found.sidecar,
    );
    const journal = openJournal(target);
    for (const graph of chosen) await writeVariant(draft, journal, graph, options);
    options.progress("writing");
    return await finishBundle(draft, folder, options);
  } catch (error) {
    return await stopWriting(error, folder, target);
  }
}

/** One graph a dtype, of the dtypes that were asked for. */
function choose(
  graphs: readonly FoundGraph[],
  dtypes: readonly Dtype[],
  name: string,
): readonly FoundGraph[] {
  const chosen = graphs.filter(({ dtype }) => dtypes.includes(dtype));
  if (chosen.length > 0) return chosen;
  const has = graphs.map(({ dtype }) => dtype).join(", ");
  throw new UnmaskError("invalid-options", `${name} has ${has} graphs only; ask for one with --dtype.`);
}

async function writeVariant(
  draft: BundleDraft,
  journal: Journal,
  { dtype, graph, data, bytes }: FoundGraph,
  options: ImportOptions,
): Promise<void> {
  const path = `onnx/model_${dtype}.onnx`;
  const copies = [
    { path, source: graph.model },
    ...data.map(({ name, source }) => ({ path: `onnx/${name}`, source })),
  ];
  let before = 0;
  let meter: ReturnType<typeof createMeter> | undefined;
  for (const { path: to, source } of copies) {
    if (!draft.files.some((file) => file.path === to)) {
      const shard = copyShard(source, to);
      const file = await writeShard(draft.target, journal, to, shard, (done) => {
        meter ??= createMeter(bytes, before + done);
        options.progress(`copying ${dtype}: ${meter(before + done)}`, (before + done) / bytes);
      });
      draft.files.push(file);
    }
    before += source.size;
  }
  draft.variants[dtype] = { graph: path, data: data.map(({ name }) => `onnx/${name}`) };
  await addGolden(draft, dtype, bytes, options);
}

/** The answers of the graph that was written, on WASM: what a device must give, too. */
async function addGolden(
  draft: BundleDraft,
  dtype: Dtype,
  bytes: number,
  { progress, warn, loadOrt }: ImportOptions,
): Promise<void> {
  const variant = draft.variants[dtype]!; // written just now
  const skip = () =>
    warn("golden-skipped", `${dtype} does not fit into WASM memory; it gets no golden forward.`);
  if (bytes > MAX_GOLDEN_BYTES) return skip();
  progress(`golden forward ${dtype}`);
  const read = async (path: string) => wholeOf(await draft.target.open(path));
  const masked = draft.facts.attention.kind !== "full";
  const forward = async (optimization?: "disabled") => {
    const data: { path: string; data: Uint8Array }[] = [];
    for (const path of variant.data) {
      data.push({ path: path.slice("onnx/".length), data: await read(path) });
    }
    const facts = { layers: 0, kvWidth: 0, type: "f32", ...(optimization && { optimization }) } as const;
    const runner = await openGraph(await read(variant.graph), data, facts, wasmHostOf(await loadOrt()));
    try {
      return await graphGolden(runner, draft.facts.vocab, draft.ids, "f32", masked);
    } finally {
      await runner.dispose();
    }
  };
  try {
    // The fusions of onnxruntime break on the casts of some f16 exports; without them such a graph runs, only slower.
    const golden = await forward().catch((error: unknown) => {
      if (!isUnmaskError(error) || error.code !== "graph-mismatch" || isFull(error)) throw error;
      draft.variants[dtype] = { ...variant, optimization: "disabled" };
      return forward("disabled");
    });
    // Such graphs may compute in f16 whatever their name, so devices differ by as much.
    const largest = Math.max(...golden.topLogits.flat().map(Math.abs));
    draft.golden[dtype] = { ...golden, tolerance: Number((0.02 + 0.02 * largest).toPrecision(2)) };
  } catch (error) {
    if (isFull(error)) return skip();
    if (isUnmaskError(error)) throw error;
    throw new UnmaskError(
      "checkpoint-invalid",
      `The ${dtype} graph cannot be run: ${String(error).slice(0, 300)}`,
      {
        cause: error,
      },
    );
  }
}

/** True when memory ran out, which says nothing about the graph. */
function isFull(error: unknown): boolean {
  return error instanceof RangeError || /bad_alloc|out of memory|allocation failed/i.test(String(error));
}

async function wholeOf(source: ByteSource): Promise<Uint8Array<ArrayBuffer>> {
  return source.read(0, source.size);
}
