import { UnmaskError } from "../core/errors.ts";
import { tokenizerProblem } from "../model/regex-check.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { openCheckpoint, readAll, readJson } from "./checkpoint/checkpoint.ts";
import { describeCausal } from "./families/causal.ts";
import { own } from "./families/config.ts";
import { planQwenDense } from "./families/qwen-dense.ts";
import type { GraphBuilder } from "./graph/graph.ts";
import type { FolderTarget } from "./target/bundle-target.ts";
import { causalGraph } from "./transformer/causal-graph.ts";
import type { WeightStyle } from "./weights/weights.ts";
import { blockStyle } from "./weights/weights-blocks.ts";
import { channelStyle } from "./weights/weights-channels.ts";
import { floatStyle } from "./weights/weights-float.ts";

/** File names by which transformers.js finds the weights of a dtype. */
const GRAPHS = { f32: "model.onnx", q8: "model_quantized.onnx", q4: "model_q4.onnx" } as const;
export type CausalDtype = keyof typeof GRAPHS;
export const CAUSAL_DTYPES = Object.keys(GRAPHS) as readonly CausalDtype[];

export interface CausalOptions {
  readonly dtypes: readonly CausalDtype[];
  /** Called before each stage; what it throws ends the export. */
  progress(text: string): void;
}

export interface CausalExport {
  readonly family: string;
  readonly vocab: number;
  readonly maxPositions: number;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

/** Rows of the rotary tables, which lie in the graph; longer texts are refused by the graph itself. */
const MAX_POSITIONS = 32_768;
/** Protobuf's own limit, with room for the graph. */
const MAX_BYTES = 2_000_000_000;
const GENERATION_KEYS = ["bos_token_id", "eos_token_id", "pad_token_id"];

/**
 * Exports an autoregressive checkpoint for transformers.js: `config.json`, `generation_config.json`, tokenizer and
 * `onnx/model*.onnx` with the weights inside. On failure nothing remains.
 *
 * @throws UnmaskError
 */
export async function exportCausal(
  folder: CheckpointFolder,
  openTarget: () => Promise<FolderTarget>,
  { dtypes, progress }: CausalOptions,
): Promise<CausalExport> {
  const checkpoint = await openCheckpoint(folder);
  const described = describeCausal(checkpoint.config);
  const tokenizer = await tokenizerFiles(folder);
  const target = await openTarget();
  const files: { path: string; bytes: number }[] = [];
  try {
    const model = await planQwenDense(checkpoint, described);
    const positions = Math.min(MAX_POSITIONS, described.maxPositions);
    const json = (content: unknown) => new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`);
    const config = { ...checkpoint.config, max_position_embeddings: positions };
    const small = [
      ["config.json", json(config)],
      ["generation_config.json", json(await generationConfig(folder, checkpoint.config))],
      ...tokenizer,
    ] as const;
    for (const [path, bytes] of small) {
      await target.write(path, bytes);
      files.push({ path, bytes: bytes.length });
    }
    for (const dtype of dtypes) {
      progress(`converting ${dtype}`);
      const path = `onnx/${GRAPHS[dtype]}`;
      const bytes = await writeWhole(target, path, causalGraph(model, styleOf(dtype), positions), progress);
      files.push({ path, bytes });
    }
    await target.commit();
    return { family: described.family, vocab: described.vocab, maxPositions: positions, files };
  } catch (error) {
    await target.discard();
    throw error;
  }
}

/** @throws UnmaskError `invalid-options` */
export function parseCausalDtypes(text: string): CausalDtype[] {
  return text.split(",").map((item) => {
    const found = CAUSAL_DTYPES.find((dtype) => dtype === item.trim());
    if (found !== undefined) return found;
    throw new UnmaskError(
      "invalid-options",
      `There is no dtype "${item.slice(0, 40)}" for transformers.js; known: ${CAUSAL_DTYPES.join(", ")}.`,
    );
  });
}

function styleOf(dtype: CausalDtype): WeightStyle {
  switch (dtype) {
    case "f32":
      return floatStyle("f32");
    case "q8":
      return channelStyle();
    case "q4":
      return blockStyle({ bits: 4, scales: "f16", recipe: "search" });
  }
}

/** Writes a graph with its weights inside, a tensor at a time, and returns its size. */
async function writeWhole(
  target: FolderTarget,
  path: string,
  graph: GraphBuilder,
  progress: (text: string) => void,
): Promise<number> {
  const { head, tensors, tail } = graph.whole();
  const total = tensors.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  if (total > MAX_BYTES) {
    throw new UnmaskError(
      "checkpoint-unsupported",
      `${path} would have ${(total / 1e9).toFixed(1)} GB, more than one ONNX file holds.`,
    );
  }
  const file = await target.append(path);
  let bytes = 0;
  const append = async (part: Uint8Array) => {
    await file.append(part);
    bytes += part.length;
  };
  try {
    await append(head);
    for (const { head: own, tensor } of tensors) {
      progress(`${path}: ${Math.floor((100 * bytes) / total)} %`);
      await append(own);
      const content = await tensor.load();
      if (content.length !== tensor.bytes) {
        throw new UnmaskError("internal", `${tensor.name} has ${content.length} bytes, not ${tensor.bytes}.`);
      }
      await append(content);
    }
    await append(tail);
    return bytes;
  } finally {
    await file.close();
  }
}

/** The checkpoint's own file, or the special ids of its configuration. */
async function generationConfig(folder: CheckpointFolder, config: Readonly<Record<string, unknown>>) {
  const names = await folder.names();
  if (names.includes("generation_config.json")) return readJson(folder, "generation_config.json");
  return Object.fromEntries(
    GENERATION_KEYS.flatMap((key) => (own(config, key) === undefined ? [] : [[key, own(config, key)]])),
  );
}

/** @throws UnmaskError `checkpoint-unsupported` without a tokenizer, `tokenizer-invalid` */
async function tokenizerFiles(folder: CheckpointFolder): Promise<[path: string, bytes: Uint8Array][]> {
  const names = await folder.names();
  if (!names.includes("tokenizer.json")) {
    throw new UnmaskError("checkpoint-unsupported", `${folder.name} has no tokenizer.json.`);
  }
  const problem = tokenizerProblem(await readJson(folder, "tokenizer.json"));
  if (problem !== undefined) {
    throw new UnmaskError("tokenizer-invalid", `tokenizer.json cannot be used: ${problem}.`);
  }
  const files: [string, Uint8Array][] = [];
  for (const name of ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]) {
    if (names.includes(name)) files.push([name, await readAll(await folder.open(name), name)]);
  }
  // The loader asks for this file even when there is nothing to say.
  if (!names.includes("tokenizer_config.json")) {
    const plain = JSON.stringify({ tokenizer_class: "PreTrainedTokenizerFast" });
    files.push(["tokenizer_config.json", new TextEncoder().encode(`${plain}\n`)]);
  }
  return files;
}
