import * as v from "valibot";
import { UnmaskError } from "../core/errors.ts";
import { chatTemplateSchema, chatTokens } from "./chat-template.ts";

/**
 * `unmask.json`, the table of contents of a bundle (architecture.md 5.3). Parsed at the edge, trusted inside:
 * every path is relative and stays in the bundle, every number is in range.
 */

export const MAX_VOCAB = 262_144;
const MAX_CANVAS = 65_536;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const tokenId = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_VOCAB - 1));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const path = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/),
  v.check((value) => !value.split("/").some((part) => part === "." || part === ".."), "leaves the bundle"),
);
const ids = v.array(tokenId);

const attention = v.variant("kind", [
  v.strictObject({ kind: v.literal("full") }),
  v.strictObject({
    kind: v.literal("block-causal"),
    block: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
    align: v.picklist(["absolute", "prompt-end"]),
  }),
]);

/** How one matrix of a q4/q8 file becomes per-channel int8: byte offsets in the source and the derived file. */
const deriveEntry = v.strictObject({
  /** Rows (output channels) and columns (inputs) of the matrix. */
  n: count,
  k: count,
  bits: v.picklist([4, 8]),
  /** Offsets of packed weights and of block scales in the source variant's data file. */
  packed: count,
  scales: count,
  scaleType: v.picklist(["f16", "f32"]),
  /** Offset of the zero points of blocks of 4 bits, where there are any. */
  zeros: v.optional(count),
  /** Offsets in the derived file: int8 weights `[K, N]` and an f32 scale a row. */
  weights: count,
  channelScales: count,
});

/** Bytes copied unchanged from the source data file (norms, rotary tables, the token table). */
const copyEntry = v.strictObject({ from: count, to: count, bytes: count });

const variant = v.strictObject({
  graph: path,
  data: v.array(path),
  from: v.optional(v.string()),
  /** Set for foreign graphs that onnxruntime's own fusions break. */
  optimization: v.optional(v.literal("disabled")),
  derive: v.optional(
    v.strictObject({
      location: path,
      bytes: count,
      matrices: v.array(deriveEntry),
      copies: v.array(copyEntry),
    }),
  ),
});

const file = v.strictObject({
  path,
  bytes: count,
  sha256,
  chunkBytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
  chunks: v.array(sha256),
});

const goldenVariant = v.strictObject({
  topIds: v.array(ids),
  topLogits: v.array(v.array(v.number())),
  tolerance: v.pipe(v.number(), v.minValue(0)),
});

/** See commit-filter.ts. */
const filter = v.strictObject({
  variant: v.string(),
  block: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256)),
  hidden: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256)),
  weights: v.pipe(v.string(), v.maxLength(4 * (2 * 256 * 256 + 512))),
});

const mode = v.strictObject({ prefix: ids, suffix: ids });

const manifestSchema = v.strictObject({
  schema: v.literal(1),
  name: v.string(),
  licence: v.string(),
  source: v.string(),
  family: v.string(),
  attention,
  logitsShift: v.picklist([0, 1]),
  vocab: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(MAX_VOCAB)),
  tokens: v.strictObject({
    mask: tokenId,
    eos: ids,
    pad: v.optional(tokenId),
    bos: v.optional(tokenId),
    /** Ids that are never generated, besides the mask. */
    suppress: v.optional(ids),
  }),
  /** How common each token is in ordinary text; see frequency.ts. */
  frequency: v.optional(v.pipe(v.string(), v.maxLength(2 * MAX_VOCAB))),
  /** Filters for learn2pd, at most one for each variant and size of blocks. */
  filters: v.optional(v.pipe(v.array(filter), v.maxLength(64))),
  maxCanvas: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(MAX_CANVAS)),
  layers: count,
  /** Width of one layer's keys (or values): kv heads times head dimension. */
  kvWidth: count,
  variants: v.record(v.string(), variant),
  files: v.array(file),
  recipes: v.intersect([v.object({ default: v.unknown() }), v.record(v.string(), v.unknown())]),
  modes: v.record(v.string(), mode),
  /** How conversations are written, for models that were trained on them. */
  chat: v.optional(chatTemplateSchema),
  golden: v.strictObject({ ids, positions: v.array(count), byVariant: v.record(v.string(), goldenVariant) }),
});

export type Manifest = v.InferOutput<typeof manifestSchema>;
export type ManifestFile = v.InferOutput<typeof file>;
export type ManifestVariant = v.InferOutput<typeof variant>;
export type DerivePlan = NonNullable<ManifestVariant["derive"]>;

/**
 * Parses the content of `unmask.json`.
 *
 * @throws UnmaskError `manifest-version` for a schema number this build does not know, `manifest-invalid` for anything
 * else that does not fit; the message names the field.
 */
export function parseManifest(json: unknown): Manifest {
  const version =
    typeof json === "object" && json !== null ? (json as { schema?: unknown }).schema : undefined;
  if (typeof version === "number" && version !== 1) {
    throw new UnmaskError(
      "manifest-version",
      `This bundle has schema version ${version}; this build reads version 1.`,
      {
        detail: { version },
      },
    );
  }
  const result = v.safeParse(manifestSchema, json);
  if (!result.success) {
    const issue = result.issues[0];
    const where = v.getDotPath(issue) ?? "the document";
    throw new UnmaskError(
      "manifest-invalid",
      `unmask.json is not a valid bundle manifest at ${where}: ${issue.message}`,
      {
        detail: { field: where },
      },
    );
  }
  checkReferences(result.output);
  return result.output;
}

function checkReferences(manifest: Manifest): void {
  const known = new Set(manifest.files.map((entry) => entry.path));
  const fail = (message: string): never => {
    throw new UnmaskError("manifest-invalid", `unmask.json is not consistent: ${message}`);
  };
  if (manifest.tokens.mask >= manifest.vocab) fail("the mask id is outside the vocabulary");
  for (const id of chatTokens(manifest.chat)) {
    if (id >= manifest.vocab) fail(`the chat template uses the id ${id}, outside the vocabulary`);
  }
  for (const [name, entry] of Object.entries(manifest.variants)) {
    for (const needed of [entry.graph, ...entry.data]) {
      if (!known.has(needed)) fail(`variant ${name} needs ${needed}, which is not listed in files`);
    }
    if (entry.from !== undefined && !Object.hasOwn(manifest.variants, entry.from)) {
      fail(`variant ${name} is derived from ${entry.from}, which does not exist`);
    }
  }
  for (const entry of manifest.files) {
    if (entry.chunks.length !== Math.max(1, Math.ceil(entry.bytes / entry.chunkBytes))) {
      fail(`${entry.path} lists ${entry.chunks.length} chunk hashes for ${entry.bytes} bytes`);
    }
  }
}
