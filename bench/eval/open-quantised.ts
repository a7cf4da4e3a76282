import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { CommandIo } from "../../src/cli/command.ts";
import { nodeFolder } from "../../src/convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { nodeTarget } from "../../src/convert/target/node-target.ts";
import type { Denoiser } from "../../src/core/types.ts";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import type { LoadedModel } from "../../src/runtime/open/load-model.ts";
import { identityOf } from "../harness/identity.ts";
import { openBundle } from "../harness/open-lab.ts";
import { chooseRuntime, type Runtime } from "../harness/runtime.ts";
import type { Skip } from "./part.ts";
import type { Quantised } from "./quantisation.ts";

export interface OpenQuantised extends Quantised, AsyncDisposable {}

/** Weights that are compared when a bundle ships them; q8 is made from the reference. */
const SHIPPED = ["q4", "int8"];

/**
 * Float32 and q8 weights from a checkpoint folder, beside the weights that the bundle ships.
 *
 * @param reference the checkpoint that the bundle was converted from
 * @param bundle address of the bundle that `model` was opened from
 * @throws UnmaskError
 */
export async function openQuantised(
  reference: string,
  bundle: string,
  { manifest }: LoadedModel,
  runtime: Runtime,
  { warn, status, signal }: Pick<CommandIo, "warn" | "status" | "signal">,
): Promise<OpenQuantised | Skip> {
  const folder = await mkdtemp(join(tmpdir(), "unmask-reference-"));
  const open: LoadedModel[] = [];
  const close = async () => {
    for (const { denoiser } of open) await denoiser.dispose();
    await rm(folder, { recursive: true, force: true });
  };
  const add = async (address: string, on: Runtime, variant: string) => {
    status(`opening ${variant}`);
    const model = await openBundle(address, on, variant, undefined, signal);
    open.push(model);
    return model;
  };
  try {
    const made = join(folder, "bundle");
    const options = { dtypes: ["f32", "q8"] as const, name: manifest.name, warn, progress: status };
    await convertCheckpoint(nodeFolder(resolve(reference)), () => nodeTarget(made), options);
    const float = await add(made, runtime, "f32");
    if (float.manifest.vocab !== manifest.vocab || float.manifest.tokens.mask !== manifest.tokens.mask) {
      await close();
      return { skipped: `${reference} is not the checkpoint of this bundle: its tokens are others` };
    }
    const variants = new Map<string, Denoiser>([["q8", (await add(made, runtime, "q8")).denoiser]]);
    for (const name of SHIPPED.filter((variant) => Object.hasOwn(manifest.variants, variant))) {
      const on = name === "int8" ? await chooseRuntime("wasm") : runtime;
      variants.set(name, (await add(bundle, on, name)).denoiser);
    }
    const asked = askedAs(float, manifest);
    const identity = await identityOf(asked, runtime.kind);
    return { reference: asked, variants, identity, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A model that is asked as a bundle asks: a checkpoint does not say how its prompts look, or which tokens are never
 * written.
 */
export function askedAs<M extends JobModel>(
  model: M,
  { modes, tokens, recipes }: Pick<JobModel["manifest"], "modes" | "tokens" | "recipes">,
): M {
  return { ...model, manifest: { ...model.manifest, modes, tokens, recipes } };
}
