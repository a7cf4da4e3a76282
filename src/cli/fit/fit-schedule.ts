import { agreement, writeSlowly } from "../../engine/record/fit-schedule.ts";
import { cutSchedule, entropyCosts, missCosts, searchSchedule } from "../../strategies/fit/schedule.ts";
import { lladaQuota } from "../../strategies/pieces/quota.ts";
import type { CommandIo, CommandOutcome, OptionValues } from "../command.ts";
import { checkResultPath, writeResult } from "../io/result-file.ts";
import { fitJobs, openFitModel, wholeOption } from "./fit-model.ts";

/**
 * `unmask fit schedule`: how many tokens each step of a block should commit. Half of the prompts are searched on, the other
 * half is reported on. Writes a recipe.
 */
export async function fitSchedule(values: OptionValues, io: CommandIo, out: string): Promise<CommandOutcome> {
  await checkResultPath("recipe", out);
  const block = wholeOption(values, "block", 32, 2, 256);
  const steps = wholeOption(values, "steps", Math.max(1, Math.floor(block / 4)), 1, block);
  const rounds = wholeOption(values, "rounds", 16, 0, 10_000);
  const seed = wholeOption(values, "seed", 0, 0, 0xffff_ffff);
  const asked = wholeOption(values, "length", 96, 2, 65_536);
  const jobs = await fitJobs(values, 20);
  const variant = typeof values["variant"] === "string" ? values["variant"] : undefined;
  const model = await openFitModel(values, io, variant);
  try {
    const control = { stop: () => io.signal.aborted };
    const sizes = { block, length: Math.min(asked, model.manifest.maxCanvas) };
    const texts = await writeSlowly(jobs, model, control, sizes, (written) =>
      io.status(`${written} of ${jobs.length} texts`),
    );
    const heldOut = texts.filter((_, i) => i % 2 === 1);
    const known = texts.filter((_, i) => i % 2 === 0);
    const even = lladaQuota(block, steps);
    const blocks = known.flatMap((text) => text.blocks);
    const bound = cutSchedule(entropyCosts(blocks, block), block, steps);
    const forced = cutSchedule(missCosts(blocks, block), block, steps);
    let tried = 0;
    const found = await searchSchedule([forced, bound, even], {
      seed,
      rounds,
      evaluate: (table) => {
        io.status(`table ${++tried}`);
        return agreement(known, table, model, control, sizes);
      },
    });
    const judge = (table: readonly number[]) => agreement(heldOut, table, model, control, sizes);
    const held = {
      even: await judge(even),
      bound: await judge(bound),
      forced: await judge(forced),
      found: await judge(found.table),
    };
    io.status("");
    const recipe = { preset: "quota-table", block, steps: found.table };
    await writeResult("recipe", out, recipe);
    io.print(`${out}: ${found.table.join(" ")}`);
    io.print(
      `as one token a step on held-out prompts: ${percent(held.found)}, evenly spread ${percent(held.even)}`,
    );
    const report = { prompts: jobs.length, tried: found.tried, onKnown: found.score, heldOut: held };
    return { json: { out, model: model.manifest.name, recipe, even, bound, forced, ...report } };
  } finally {
    await model.denoiser.dispose();
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
