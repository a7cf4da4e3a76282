import { UnmaskError } from "../../core/errors.ts";
import type { LoadEvent } from "../../core/events.ts";
import type { LoadOptions } from "../../protocol.ts";
import { createRestoringDenoiser, type RestoringDenoiser } from "../forward/restoring-denoiser.ts";
import type { Platform } from "../platform/platform.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { rejectModel } from "./reject-model.ts";

/** A {@link LoadedModel} that survives the loss of its GPU. */
export interface RestoringModel extends LoadedModel {
  readonly denoiser: RestoringDenoiser;
}

/**
 * {@link loadModel}, and again with the same weights after each loss of the device: from the store where the files are
 * kept. `auto` goes on with WASM when no GPU is left.
 *
 * @throws UnmaskError
 */
export async function openRestoringModel(
  platform: Platform,
  address: string,
  options: LoadOptions,
  report: (event: LoadEvent) => void,
  signal: AbortSignal,
): Promise<RestoringModel> {
  const loaded = await loadModel(platform, address, options, report, signal).catch((error: unknown) =>
    rejectModel(platform, address, error),
  );
  const same = { ...options, variant: loaded.info.variant };
  const files = JSON.stringify(loaded.manifest.files);
  const denoiser = createRestoringDenoiser(loaded.denoiser, async (closing, alone) => {
    const asked = alone ? { ...same, batch: false } : same;
    const again = await loadModel(platform, address, asked, () => {}, closing);
    if (JSON.stringify(again.manifest.files) === files) return again.denoiser;
    await again.denoiser.dispose();
    throw new UnmaskError("checksum-mismatch", "the model has changed on the server.");
  });
  return { ...loaded, denoiser };
}
