import { isUnmaskError, UnmaskError } from "../../core/errors.ts";
import type { BundleFacts } from "../bundle-draft.ts";
import type { ByteSource, CheckpointFolder } from "../checkpoint/byte-source.ts";
import { readJson } from "../checkpoint/checkpoint.ts";
import type { StoredDtype } from "../dtype.ts";
import type { Hints } from "../families/index.ts";
import { profileNamed, profileOfRepository } from "../families/profiles.ts";
import { givenTokens, readSidecar, type Sidecar } from "../sidecar.ts";
import { findTokens, type TokenIds } from "../tokens.ts";
import { isGraph } from "./find-export.ts";
import { adaptLogitsGraph, type LogitsGraph } from "./logits-graph.ts";

/** A graph of an export that can run, with its data files opened. */
export interface FoundGraph {
  readonly file: string;
  readonly dtype: StoredDtype;
  readonly graph: LogitsGraph;
  readonly data: readonly { readonly name: string; readonly source: ByteSource }[];
  /** Of graph and data. */
  readonly bytes: number;
  /** Another text for other contents, as far as the origin tells. */
  readonly version: string;
}

export interface FoundExport {
  /** One a dtype, smallest weights first; at least one. */
  readonly graphs: readonly FoundGraph[];
  readonly facts: BundleFacts;
  readonly sidecar: Sidecar;
  /** @throws UnmaskError as `findTokens` */
  tokens(): Promise<TokenIds>;
}

const MAX_FILE_BYTES = 2_000_000_000;
const MAX_GRAPHS = 64;
const DATA_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;
const SMALLEST_FIRST: readonly StoredDtype[] = ["q4", "q8", "f16", "f32"];

/**
 * Reads the heads of the graphs of an export, not their weights. Graphs of other kinds are passed over while there is one
 * that can run.
 *
 * @throws UnmaskError `checkpoint-unsupported`, `checkpoint-invalid`, `invalid-options` (a profile that does not fit)
 */
export async function readExport(
  folder: CheckpointFolder,
  graphs: CheckpointFolder,
  { profile: given, repository, mask }: Hints & { readonly mask?: number | undefined },
): Promise<FoundExport> {
  const sidecar = await readSidecar(folder);
  const config = (await folder.names()).includes("config.json") ? await readJson(folder, "config.json") : {};
  const found = await readGraphs(graphs);
  const { vocab, masked } = found[0].graph;
  if (found.some(({ graph }) => graph.vocab !== vocab || graph.masked !== masked)) {
    throw new UnmaskError("checkpoint-invalid", `The graphs of ${graphs.name} are not of one model.`);
  }
  const asked = given ?? sidecar.profile ?? profileOfRepository(repository ?? "");
  const profile = profileNamed(asked ?? (masked ? "bd3lm" : "mdlm"));
  if ((profile.attention.kind === "block-causal") !== masked) {
    const message = `The profile ${asked} does not fit a graph ${masked ? "with" : "without"} an attention mask.`;
    throw new UnmaskError("invalid-options", message);
  }
  return {
    graphs: found,
    sidecar,
    facts: {
      family: "logits-only",
      layers: 0,
      heads: 1,
      kvHeads: 1,
      headDim: 0,
      vocab,
      attention: profile.attention,
      logitsShift: profile.logitsShift ?? 0,
    },
    tokens: () => findTokens(folder, config, { vocab }, givenTokens(sidecar, mask)),
  };
}

async function readGraphs(folder: CheckpointFolder): Promise<[FoundGraph, ...FoundGraph[]]> {
  const files = (await folder.names()).filter(isGraph).sort();
  if (files.length > MAX_GRAPHS) {
    throw new UnmaskError("checkpoint-unsupported", `${folder.name} has ${files.length} graphs.`);
  }
  const found: FoundGraph[] = [];
  let refusal: UnmaskError | undefined;
  for (const file of files) {
    const dtype = dtypeOf(file);
    if (found.some((graph) => graph.dtype === dtype)) continue;
    try {
      found.push(await readGraph(folder, file, dtype));
    } catch (error) {
      if (!isUnmaskError(error) || error.code !== "checkpoint-unsupported") throw error;
      refusal ??= error;
    }
  }
  const [first, ...rest] = found.sort(
    (a, b) => SMALLEST_FIRST.indexOf(a.dtype) - SMALLEST_FIRST.indexOf(b.dtype),
  );
  if (first !== undefined) return [first, ...rest];
  throw refusal ?? new UnmaskError("checkpoint-unsupported", `${folder.name} has no .onnx graph.`);
}

async function readGraph(folder: CheckpointFolder, file: string, dtype: StoredDtype): Promise<FoundGraph> {
  const original = await openFile(folder, file);
  const graph = await adaptLogitsGraph(original);
  const data: { readonly name: string; readonly source: ByteSource }[] = [];
  for (const name of graph.locations) {
    const source = DATA_NAME.test(name) && !isGraph(name) ? await openData(folder, name) : undefined;
    if (source === undefined) {
      const what = JSON.stringify(name.slice(0, 80));
      const message = `${file} names the data file ${what}, which is not beside it.`;
      throw new UnmaskError("checkpoint-invalid", message);
    }
    data.push({ name, source });
  }
  const bytes = data.reduce((sum, { source }) => sum + source.size, graph.model.size);
  const version = [original, ...data.map(({ source }) => source)]
    .map((source) => `${source.size} ${source.version ?? ""}`)
    .join("\n");
  return { file, dtype, graph, data, bytes, version };
}

async function openData(folder: CheckpointFolder, name: string): Promise<ByteSource | undefined> {
  return openFile(folder, name).catch((error: unknown) => {
    if (isUnmaskError(error) && error.code === "not-found") return undefined;
    throw error;
  });
}

async function openFile(folder: CheckpointFolder, name: string): Promise<ByteSource> {
  const source = await folder.open(name);
  if (source.size <= MAX_FILE_BYTES) return source;
  const message = `${name} has ${source.size} bytes; 2 GB is the limit of a file.`;
  throw new UnmaskError("checkpoint-unsupported", message);
}

/** The precision a file name stands for, in the spellings of transformers.js and of known exports. */
function dtypeOf(file: string): StoredDtype {
  if (/[_-](q4|int4|bnb4)/i.test(file)) return "q4";
  if (/[_-](q8|int8|uint8|quantized)/i.test(file)) return "q8";
  return /[_-](fp?16|half)/i.test(file) ? "f16" : "f32";
}
