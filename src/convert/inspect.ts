import { isUnmaskError } from "../core/errors.ts";
import type { Manifest, ManifestFile } from "../model/manifest.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import { describeModel, type Hints, planModel } from "./families/index.ts";
import { findTokens, type TokenIds } from "./tokens.ts";
import { bodyMatrices } from "./transformer/transformer.ts";

/** Enough to tell a head of its own from the token table, without a download of both. */
const GLANCE_BYTES = 1 << 20;

/** What a folder is, what it needs and whether it can run, as a JSON document. */
export interface Inspection {
  readonly kind: "checkpoint" | "bundle" | "export";
  readonly runnable: boolean;
  /** Why not, when `runnable` is false. */
  readonly reason?: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/**
 * A checkpoint: headers are read, weights are not. An architecture without an adapter is a finding, not an error; a
 * broken file is an error.
 */
export async function inspectCheckpoint(
  folder: CheckpointFolder,
  hints: Hints & { readonly mask?: number | undefined } = {},
): Promise<Inspection> {
  const opened = await openCheckpoint(folder);
  const checkpoint = folder.remote === true ? { ...opened, glance: GLANCE_BYTES } : opened;
  const tensors = [...checkpoint.tensors.values()];
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const parameters = tensors.reduce((sum, tensor) => sum + tensor.shape.reduce((a, b) => a * b, 1), 0);
  const stored = { tensors: tensors.length, parameters, bytes };
  try {
    const named = { repository: folder.name, ...hints };
    const model = await planModel(checkpoint, describeModel(checkpoint.config, named));
    const { facts, table, warnings } = model;
    const tied = model.head.matrix === table;
    const tables = tied ? table.n * table.k : 2 * table.n * table.k;
    const body = bodyMatrices(model).reduce((sum, { n, k }) => sum + n * k, 0);
    // 4.5 and 8.5 bits a weight: codes and one f16 scale in 32.
    const downloads = { f32: 4 * (body + tables), f16: 2 * (body + tables), q8: (8.5 / 8) * (body + tables) };
    const needs = { ...downloads, q4: (4.5 / 8) * body + (8.5 / 8) * tables };
    const given = hints.mask === undefined ? {} : { mask: hints.mask };
    const { tokens, missing } = await missingTokens(folder, () =>
      findTokens(folder, checkpoint.config, facts, given),
    );
    return {
      kind: "checkpoint",
      runnable: true,
      facts: { ...facts, tied, ...stored, needs, ...(tokens && { mask: tokens.mask, eos: tokens.eos }) },
      warnings: [...warnings, ...missing],
    };
  } catch (error) {
    if (!isUnmaskError(error) || error.code !== "checkpoint-unsupported") throw error;
    const type = checkpoint.config["model_type"];
    return {
      kind: "checkpoint",
      runnable: false,
      reason: error.message,
      facts: { family: typeof type === "string" ? type : null, ...stored },
      warnings: [],
    };
  }
}

/**
 * The special tokens, or what is missing for them: a tokenizer or the name of the mask is mended by a file or an option,
 * so it is a warning here.
 */
export async function missingTokens(folder: CheckpointFolder, find: () => Promise<TokenIds>) {
  try {
    return { tokens: await find(), missing: [] };
  } catch (error) {
    if (!isUnmaskError(error) || error.code !== "checkpoint-unsupported") throw error;
    const has = (await folder.names()).includes("tokenizer.json");
    return { missing: [{ code: has ? "tokens-missing" : "tokenizer-missing", message: error.message }] };
  }
}

/**
 * A bundle: the manifest and, where there is a `check`, its files.
 *
 * @throws UnmaskError whatever `check` rejects with
 */
export async function inspectBundle(
  manifest: Manifest,
  check?: (file: ManifestFile) => Promise<unknown>,
): Promise<Inspection> {
  if (check !== undefined) for (const file of manifest.files) await check(file);
  const bytesOf = (paths: readonly string[]) =>
    manifest.files.filter(({ path }) => paths.includes(path)).reduce((sum, { bytes }) => sum + bytes, 0);
  const variants = Object.entries(manifest.variants).map(([name, { graph, data, from, derive }]) => ({
    name,
    bytes: bytesOf([graph, ...data]),
    memory: derive?.bytes ?? bytesOf(data),
    ...(from !== undefined && { from }),
  }));
  const { name, licence, source, family, attention, vocab, layers, maxCanvas, modes, recipes } = manifest;
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  const names = { modes: Object.keys(modes), recipes: Object.keys(recipes) };
  return {
    kind: "bundle",
    runnable: variants.length > 0,
    facts: { name, licence, source, family, attention, vocab, layers, maxCanvas, bytes, variants, ...names },
    warnings: [],
  };
}
