import { UnmaskError } from "../../core/errors.ts";
import type { Job } from "../../core/job.ts";
import { recordExamples } from "../../engine/record/record-filter.ts";
import { type StoredFilter, storeFilter } from "../../model/commit-filter.ts";
import { type Manifest, parseManifest } from "../../model/manifest.ts";
import { weightsOf } from "../../model/variant.ts";
import { readManifest } from "../../runtime/open/bundle.ts";
import { nodePlatform } from "../../runtime/platform/platform-node.ts";
import { type FitReport, fitFilter } from "../../strategies/fit/fit-filter.ts";
import type { CommandIo, CommandOutcome, OptionValues } from "../command.ts";
import { modelOption } from "../generate/generation-options.ts";
import { checkResultPath, writeResult } from "../io/result-file.ts";
import { fitJobs, openFitModel, wholeOption } from "./fit-model.ts";

/** What the page's recipe accepts at. */
const THRESHOLD = 0.96;
const HIDDEN = 32;

interface Sizes {
  readonly block: number;
  readonly length: number;
  readonly updates: number;
  readonly seed: number;
}

/**
 * `unmask fit learn2pd`: one filter for each variant of the weights, because quantisation moves the confidences that it
 * reads. Writes the bundle's `unmask.json` with the filters in it.
 */
export async function fitLearn2pd(values: OptionValues, io: CommandIo, out: string): Promise<CommandOutcome> {
  await checkResultPath("manifest", out);
  const sizes: Sizes = {
    block: wholeOption(values, "block", 32, 2, 256),
    length: wholeOption(values, "length", 96, 2, 65_536),
    updates: wholeOption(values, "updates", 4000, 1, 1_000_000),
    seed: wholeOption(values, "seed", 0, 0, 0xffff_ffff),
  };
  const jobs = await fitJobs(values, 100);
  let manifest = await readManifest(nodePlatform().openSource(modelOption(values)), io.signal);
  const fits = [];
  for (const variant of variantsOf(values, manifest)) {
    const { stored, report, seconds } = await fitVariant(variant, jobs, values, io, sizes);
    manifest = withFilter(manifest, stored);
    fits.push({ variant, block: sizes.block, hidden: HIDDEN, seconds, ...report });
    const { cells, accepted, wrong, final } = report;
    io.print(
      `${variant}: of ${cells} held-out cells ${final} were final; ${accepted} accepted, ${wrong} of them wrongly`,
    );
  }
  await writeResult("manifest", out, parseManifest(manifest));
  io.print(out);
  return { json: { out, model: manifest.name, threshold: THRESHOLD, ...sizes, prompts: jobs.length, fits } };
}

async function fitVariant(
  variant: string,
  jobs: readonly Job[],
  values: OptionValues,
  io: CommandIo,
  { block, length, updates, seed }: Sizes,
): Promise<{ stored: StoredFilter; report: FitReport; seconds: { record: number; fit: number } }> {
  const model = await openFitModel(values, io, variant);
  try {
    const began = performance.now();
    const examples = await recordExamples(
      jobs,
      model,
      { stop: () => io.signal.aborted },
      {
        block,
        length: Math.min(length, model.manifest.maxCanvas),
        onText: (texts, found) => io.status(`${variant}: ${texts} of ${jobs.length} texts, ${found} steps`),
      },
    );
    io.status("");
    const recorded = performance.now();
    const options = { size: block, hidden: HIDDEN, seed, updates, threshold: THRESHOLD };
    const { filter, report } = fitFilter(examples, options);
    const seconds = {
      record: (recorded - began) / 1000,
      fit: (performance.now() - recorded) / 1000,
    };
    return {
      stored: storeFilter(filter, variant),
      report: { ...report, examples: examples.length },
      seconds,
    };
  } finally {
    await model.denoiser.dispose();
  }
}

/** In place of the one for the same weights and blocks. */
function withFilter(manifest: Manifest, filter: StoredFilter): Manifest {
  const others = (manifest.filters ?? []).filter(
    ({ variant, block }) => variant !== filter.variant || block !== filter.block,
  );
  return { ...manifest, filters: [...others, filter] };
}

function variantsOf(values: OptionValues, { variants }: Manifest): readonly string[] {
  const known = Object.keys(variants);
  const asked = values["variant"];
  // A filter belongs to weights; q4f16 has those of q4.
  if (typeof asked !== "string") return known.filter((name) => weightsOf(name) === name);
  const wanted = asked.split(",").map((name) => name.trim());
  const strange = wanted.find((name) => !known.includes(name));
  if (strange === undefined) return wanted;
  throw new UnmaskError(
    "variant-missing",
    `The bundle has no variant "${strange.slice(0, 40)}"; it has ${known.join(", ")}.`,
    { detail: { variant: strange.slice(0, 40) } },
  );
}
