import { isUnmaskError } from "../core/errors.ts";
import type { Manifest } from "../model/manifest.ts";
import { createDraft, finishBundle } from "./bundle-draft.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import { checkFinite } from "./checkpoint/safetensors.ts";
import { conversionKey } from "./conversion-key.ts";
import type { ConvertOptions } from "./convert-options.ts";
import { describeModel, planModel } from "./families/index.ts";
import { givenTokens, readSidecar } from "./sidecar.ts";
import type { BundleTarget } from "./target/bundle-target.ts";
import { openJournal } from "./target/journal.ts";
import { stopWriting } from "./target/stop-writing.ts";
import { findTokens } from "./tokens.ts";
import type { Transformer } from "./transformer/transformer.ts";
import { type VariantDraft, writeVariants } from "./write-variants.ts";

const MAX_CANVAS = 2048;

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
  const hints = { profile: options.profile ?? sidecar.profile, repository: options.name };
  const described = describeModel(checkpoint.config, hints);
  const target = await openTarget(await conversionKey(checkpoint, options));
  try {
    const journal = openJournal(target);
    const model = await planModel({ ...checkpoint, fact: journal.fact }, described);
    const { facts } = model;
    for (const { code, message } of model.warnings) options.warn(code, message);
    const tokens = await findTokens(folder, checkpoint.config, facts, givenTokens(sidecar, options.mask));
    const maxCanvas = Math.min(sidecar.maxCanvas ?? MAX_CANVAS, facts.maxPositions);
    const draft: VariantDraft = {
      ...createDraft(target, facts, tokens, maxCanvas, sidecar),
      journal,
      model,
      options,
    };
    await writeVariants(draft).catch((error: unknown) => everyBroken(error, folder, model));
    options.progress("writing");
    return await finishBundle(draft, folder, options);
  } catch (error) {
    return await stopWriting(error, folder, target);
  }
}

/** One tensor that is not finite is rarely alone; with the files at hand all of them are named. */
async function everyBroken(error: unknown, folder: CheckpointFolder, model: Transformer): Promise<never> {
  const isBroken = isUnmaskError(error) && error.detail["notFinite"] !== undefined;
  if (isBroken && folder.remote !== true) await checkFinite(model.tensors);
  throw error;
}
