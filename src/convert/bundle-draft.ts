import type { CompiledChat } from "../chat/compile.ts";
import { type Manifest, type ManifestFile, type ManifestVariant, parseManifest } from "../model/manifest.ts";
import { findChat } from "./chat.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { readAll } from "./checkpoint/checkpoint.ts";
import type { ConvertOptions } from "./convert-options.ts";
import { goldenIds } from "./reference/golden.ts";
import type { Sidecar } from "./sidecar.ts";
import { type BundleTarget, writeHashed } from "./target/bundle-target.ts";
import type { TokenIds } from "./tokens.ts";
import type { ModelFacts } from "./transformer/transformer.ts";

const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

/** What a manifest says about a model. */
export type BundleFacts = Pick<
  ModelFacts,
  "family" | "layers" | "heads" | "kvHeads" | "headDim" | "vocab" | "attention" | "logitsShift"
>;

/** A bundle being written: its files so far and what the manifest will say about them. */
export interface BundleDraft {
  readonly target: BundleTarget;
  readonly facts: BundleFacts;
  readonly tokens: TokenIds;
  readonly maxCanvas: number;
  readonly sidecar: Sidecar;
  /** Ids of the golden forward. */
  readonly ids: readonly number[];
  readonly files: ManifestFile[];
  readonly variants: Record<string, ManifestVariant>;
  readonly golden: Manifest["golden"]["byVariant"];
}

export function createDraft(
  target: BundleTarget,
  facts: BundleFacts,
  tokens: TokenIds,
  maxCanvas: number,
  sidecar: Sidecar,
): BundleDraft {
  const ids = goldenIds(tokens.mask, facts.vocab);
  return { target, facts, tokens, maxCanvas, sidecar, ids, files: [], variants: {}, golden: {} };
}

/** Copies the tokenizer, writes the manifest and makes the bundle appear. */
export async function finishBundle(
  draft: BundleDraft,
  folder: CheckpointFolder,
  options: Pick<ConvertOptions, "name" | "source" | "warn">,
): Promise<Manifest> {
  const names = await folder.names();
  for (const file of TOKENIZER_FILES.filter((item) => names.includes(item))) {
    draft.files.push(await writeHashed(draft.target, file, await readAll(await folder.open(file), file)));
  }
  const manifest = parseManifest(assemble(draft, options, await knownChat(folder, options)));
  await draft.target.write("unmask.json", new TextEncoder().encode(`${JSON.stringify(manifest)}\n`));
  await draft.target.commit(manifest);
  return manifest;
}

/** A bundle carries the templates of known families as data; any other is copied, and run in a worker of its own. */
async function knownChat(
  folder: CheckpointFolder,
  { warn }: Pick<ConvertOptions, "warn">,
): Promise<CompiledChat | undefined> {
  const found = await findChat(folder);
  if (found === "unknown") {
    warn(
      "chat-unknown",
      "The chat template is of no known family: each chat runs it in a worker of its own, with limits.",
    );
  }
  return typeof found === "object" ? found : undefined;
}

function assemble(
  draft: BundleDraft,
  { name, source }: Pick<ConvertOptions, "name" | "source">,
  chat: CompiledChat | undefined,
): unknown {
  const { facts, tokens, maxCanvas, sidecar, ids, files, variants, golden } = draft;
  const preset = facts.logitsShift === 1 ? "dream-entropy" : "llada";
  const block = facts.attention.kind === "full" ? {} : { block: facts.attention.block };
  return {
    schema: 1,
    name: sidecar.name ?? name,
    licence: sidecar.licence ?? "unknown",
    source: sidecar.source ?? source ?? name,
    family: facts.family,
    attention: facts.attention,
    logitsShift: facts.logitsShift,
    vocab: facts.vocab,
    // An answer ends where a message ends, whatever config.json calls the end of a text.
    tokens: chat?.end === undefined ? tokens : { ...tokens, eos: [...new Set([...tokens.eos, chat.end])] },
    maxCanvas,
    layers: facts.layers,
    kvWidth: facts.kvHeads * facts.headDim,
    variants,
    files,
    ...(sidecar.frequency === undefined ? {} : { frequency: sidecar.frequency }),
    recipes: sidecar.recipes ?? { default: { preset, ...block } },
    ...(chat !== undefined && { chat: chat.template }),
    modes: sidecar.modes ?? { plain: { prefix: [], suffix: [] } },
    golden: { ids: [...ids], positions: ids.map((_, i) => i), byVariant: golden },
  };
}
