import { fileURLToPath } from "node:url";
import type { CommandIo, OptionValues } from "../../src/cli/command.ts";
import { modelOption, numberOption } from "../../src/cli/generate/generation-options.ts";
import { readManifest } from "../../src/runtime/open/bundle.ts";
import { type LoadedModel, loadModel } from "../../src/runtime/open/load-model.ts";
import { identityOf, sharedIdentity } from "./identity.ts";
import { type Journal, openJournal } from "./journal.ts";
import { rememberForwards } from "./remember.ts";
import { chooseRuntime, type Runtime } from "./runtime.ts";

/** An opened bundle with everything but the progress of a {@link Lab}. */
export interface OpenLab extends AsyncDisposable {
  readonly model: LoadedModel;
  readonly runtime: Runtime;
  readonly identity: readonly string[];
  /** For results that name the code of their preset themselves; see identity.ts. */
  readonly sharedIdentity: readonly string[];
  readonly journal: Journal;
  readonly signal: AbortSignal;
  /** Processor seconds that forwards from memory would have taken so far; see remember.ts. */
  readonly spared: () => number;
}

/**
 * Opens the bundle that `--model` names on the runtime that `--runtime` asks for.
 *
 * @throws UnmaskError
 */
export async function openLab(
  values: OptionValues,
  { signal, status }: Pick<CommandIo, "signal" | "status">,
): Promise<OpenLab> {
  const variant = typeof values["variant"] === "string" ? values["variant"] : undefined;
  const runtime = await chooseRuntime(values["runtime"], variant);
  const journal = openJournal(journalPath(values["journal"]));
  status("opening the model");
  const { platform, spared } = rememberForwards(runtime.platform);
  const model = await openBundle(
    modelOption(values),
    { ...runtime, platform },
    variant,
    numberOption(values, "threads"),
    signal,
  );
  return {
    model,
    runtime,
    identity: await identityOf(model, runtime.kind),
    sharedIdentity: await sharedIdentity(model, runtime.kind),
    journal,
    signal,
    spared,
    [Symbol.asyncDispose]: () => model.denoiser.dispose(),
  };
}

/** A bundle on a runtime. Without a variant, native takes the first of those that are exact there; see runtime.ts. */
export async function openBundle(
  address: string,
  { kind, platform }: Runtime,
  variant: string | undefined,
  threads: number | undefined,
  signal: AbortSignal,
): Promise<LoadedModel> {
  const open = (chosen: string | undefined) =>
    loadModel(
      platform,
      address,
      {
        // Apart, canvases that were computed before are answered from memory (remember.ts); a CPU gains little by computing them together.
        batch: false,
        ...(chosen === undefined ? {} : { variant: chosen }),
        ...(threads === undefined ? {} : { threads }),
      },
      () => {},
      signal,
    );
  if (variant !== undefined || kind === "wasm") return open(variant);
  const { variants } = await readManifest(platform.openSource(address), signal);
  return open(["q4", "q8", "f32"].find((name) => Object.hasOwn(variants, name)));
}

/** Kept between runs, ignored by git. */
function journalPath(value: OptionValues[string]): string {
  if (typeof value === "string") return value;
  return fileURLToPath(new URL("../../.cache/bench-journal.jsonl", import.meta.url));
}
