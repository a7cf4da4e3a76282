import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../convert/convert.ts";
import type { Dtype } from "../../convert/dtype.ts";
import { nodeTarget } from "../../convert/target/node-target.ts";
import { UnmaskError } from "../../core/errors.ts";
import { maskedLogits } from "../../engine/record/masked-logits.ts";
import { recordStates, type State } from "../../engine/record/record-states.ts";
import { divergenceOf } from "../../math/logit-divergence.ts";
import type { Manifest } from "../../model/manifest.ts";
import { readManifest } from "../../runtime/open/bundle.ts";
import { loadModel } from "../../runtime/open/load-model.ts";
import { nodePlatform } from "../../runtime/platform/platform-node.ts";
import type { CommandIo } from "../command.ts";
import { type Compared, type Quality, summarise, type VariantQuality } from "./quality-table.ts";

export interface QualityOptions {
  /** The checkpoint that the bundle was converted from. */
  readonly reference: string | undefined;
  readonly seconds: number;
}

/** Plain beginnings: every model has seen text of one of these kinds. */
const PROMPTS = [
  "Once upon a time there was a little fox who",
  "The most important thing about water is that",
  "Question: How many days has a week?\nAnswer:",
  "def add(a, b):\n    ",
];
const LENGTH = 32;
/** The last of them see a single mask: the even quota is two cells a step, then one. */
const STEPS = 20;
/** Of kept logits; they stay in memory while the variants are opened one after the other. */
const MAX_KEPT_BYTES = 400_000_000;
/** Weights that a WASM memory of 4 GB holds beside everything else. */
const MAX_F32_BYTES = 1_800_000_000;
const COMPARED = ["q8", "q4", "int8"] as const;

interface Look {
  readonly state: State;
  readonly logits: Float32Array;
}

/**
 * Teacher-forced comparison: the reference weights write, and every variant is asked about the canvases on their way. The
 * bundle's manifest says for all of them which ids can never be chosen: such an id weighs nothing.
 *
 * @returns a sentence when there is nothing to compare with
 * @throws UnmaskError
 */
export async function measureQuality(
  model: string,
  { reference, seconds }: QualityOptions,
  io: CommandIo,
): Promise<Quality | string> {
  const ends = performance.now() + seconds * 1000;
  const manifest = await readManifest(nodePlatform().openSource(model), io.signal);
  const own = ["f32", "f16"].find((name) => Object.hasOwn(manifest.variants, name));
  const shipped = COMPARED.filter((name) => Object.hasOwn(manifest.variants, name));
  if (own === undefined && reference === undefined) {
    return "The bundle has no f32 or f16 weights to compare with; name the checkpoint it was converted from with --reference DIR.";
  }
  if (reference === undefined && shipped.length === 0)
    return "The bundle has no quantised weights to compare.";
  const folder = await mkdtemp(join(tmpdir(), "unmask-doctor-"));
  try {
    const made = join(folder, "bundle");
    const exact =
      reference === undefined ? own! : await convertReference(reference, made, manifest, shipped, io);
    const from = reference === undefined ? model : made;
    const variants = [
      ...(reference !== undefined && !shipped.includes("q8") ? [{ name: "q8", from: made }] : []),
      ...shipped.map((name) => ({ name, from: model })),
    ];
    const share = performance.now() + (ends - performance.now()) / (2 + variants.length);
    const looks = await look(from, exact, manifest, share, io);
    const measured: VariantQuality[] = [];
    let complete = true;
    for (const { name, from: address } of variants) {
      const found = await compare(address, name, manifest, looks, ends, io);
      complete &&= found.length === looks.length;
      measured.push(summarise(name, found));
    }
    const source = reference === undefined ? "the bundle" : reference;
    return { reference: exact, source, states: looks.length, complete, variants: measured };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns the dtype of the reference: f16 where f32 would not fit */
async function convertReference(
  reference: string,
  out: string,
  { name, files }: Manifest,
  shipped: readonly string[],
  io: CommandIo,
): Promise<Dtype> {
  const checkpoint = nodeFolder(resolve(reference));
  // q4 takes 4.5 bits a weight, and its tables more.
  const q4Bytes = files.reduce((sum, { path, bytes }) => sum + (path.includes("model_q4") ? bytes : 0), 0);
  const exact = q4Bytes * 7 > MAX_F32_BYTES ? "f16" : "f32";
  const dtypes: Dtype[] = shipped.includes("q8") ? [exact] : [exact, "q8"];
  const progress = (text: string) => {
    if (io.signal.aborted) throw new UnmaskError("aborted", "The comparison was stopped.");
    io.status(`reference: ${text}`);
  };
  await convertCheckpoint(checkpoint, () => nodeTarget(out), { dtypes, name, warn: io.warn, progress });
  return exact;
}

async function opened<T>(
  address: string,
  variant: string,
  io: CommandIo,
  job: (model: Awaited<ReturnType<typeof loadModel>>) => Promise<T>,
): Promise<T> {
  io.status(`opening ${variant}`);
  const model = await loadModel(nodePlatform(), address, { variant }, () => {}, io.signal);
  try {
    return await job(model);
  } finally {
    await model.denoiser.dispose();
  }
}

/** States of the reference's own runs with its logits there; those of one prompt at least. */
async function look(
  address: string,
  variant: string,
  expected: Manifest,
  until: number,
  io: CommandIo,
): Promise<Look[]> {
  return opened(address, variant, io, async (model) => {
    const { manifest, denoiser } = model;
    if (manifest.vocab !== expected.vocab || manifest.tokens.mask !== expected.tokens.mask) {
      throw new UnmaskError(
        "invalid-options",
        "The reference is not the checkpoint of this bundle: its tokens are others.",
        {
          detail: { option: "reference" },
        },
      );
    }
    const looks: Look[] = [];
    const keeps = Math.max(1, Math.floor(MAX_KEPT_BYTES / (4 * LENGTH * manifest.vocab)));
    for (const [i, prompt] of PROMPTS.entries()) {
      if (looks.length >= keeps || (i > 0 && performance.now() > until)) break;
      io.status(`${variant}: run ${i + 1} of ${PROMPTS.length}`);
      const { attention } = manifest;
      const recipe = {
        preset: "llada",
        steps: STEPS,
        block: attention.kind === "full" ? LENGTH : attention.block,
        stop: { eos: false },
      };
      const job = { kind: "generate", prompt, options: { recipe, maxNewTokens: LENGTH } } as const;
      for (const state of await recordStates(job, model, () => io.signal.aborted)) {
        if (looks.length >= keeps) break;
        const canvas = Int32Array.from(state.ids);
        looks.push({ state, logits: await maskedLogits(denoiser, expected, canvas, LENGTH) });
      }
    }
    return looks;
  });
}

async function compare(
  address: string,
  variant: string,
  manifest: Manifest,
  looks: readonly Look[],
  ends: number,
  io: CommandIo,
): Promise<Compared[]> {
  return opened(address, variant, io, async ({ denoiser }) => {
    const found: Compared[] = [];
    for (const { state, logits } of looks) {
      if (io.signal.aborted) throw new UnmaskError("aborted", "The comparison was stopped.");
      if (found.length > 0 && performance.now() > ends) break;
      io.status(`${variant}: state ${found.length + 1} of ${looks.length}`);
      const canvas = Int32Array.from(state.ids);
      const own = await maskedLogits(denoiser, manifest, canvas, LENGTH);
      found.push({ ratio: state.ratio, ...divergenceOf(logits, own, manifest.vocab) });
    }
    return found;
  });
}
