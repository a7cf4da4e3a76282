import type { CommandIo, OptionValues } from "../../src/cli/command.ts";
import { modelOption } from "../../src/cli/generate/generation-options.ts";
import { assertNever } from "../../src/core/errors.ts";
import type { OpenLab } from "../harness/open-lab.ts";
import type { TaskPrompt } from "../harness/task-prompts.ts";
import type { HeldOut } from "./corpus.ts";
import { planInfill } from "./infill.ts";
import { planNelbo } from "./nelbo.ts";
import { type OpenQuantised, openQuantised } from "./open-quantised.ts";
import { isSkip, type PlannedPart, type Skip } from "./part.ts";
import { planPrecision } from "./precision.ts";
import { type Opening, planQuantisation } from "./quantisation.ts";
import type { PartName, Settings } from "./settings.ts";
import { planStories } from "./stories.ts";
import { knowledgeTargets, marginTargets, planTasks, speedTargets } from "./tasks.ts";
import { openTwin, type Twin } from "./twin.ts";

/** One token a step: what the model knows. */
const PLAIN = { preset: "llada" };
/** What tokens a forward are told of. */
const PARALLEL = { preset: "fast-dllm", threshold: 0.9 };
/** Cells by the margin between their two best tokens, anywhere in the response. */
const MARGIN = { preset: "dream-margin", stop: { eos: true } };

/** Models beside the bundle's own, opened when a part needs them. */
export interface Others {
  twin(): Promise<Twin | Skip>;
  quantised(): Promise<OpenQuantised | Skip>;
}

/** @param closing takes what was opened */
export function otherModels(
  { reference, companion }: Settings,
  { model, runtime }: OpenLab,
  values: OptionValues,
  io: CommandIo,
  closing: AsyncDisposable[],
): Others {
  const once = <T extends AsyncDisposable>(open: () => Promise<T | Skip>) => {
    let opened: Promise<T | Skip> | undefined;
    return async () => {
      const isNew = opened === undefined;
      opened ??= open();
      const found = await opened;
      if (isNew && !isSkip(found)) closing.push(found);
      return found;
    };
  };
  return {
    twin: once(async () => {
      const ort = await runtime.platform.loadOrt("wasm", undefined);
      return openTwin(companion, model.manifest.files, ort);
    }),
    quantised: once<OpenQuantised>(async () => {
      if (reference !== undefined) return openQuantised(reference, modelOption(values), model, runtime, io);
      return { skipped: "what is measured against float32: name the checkpoint folder with --reference" };
    }),
  };
}

export async function planPart(
  name: PartName,
  { sizes, prompts, recipe, data, worlds }: Settings,
  { model }: OpenLab,
  text: HeldOut,
  others: Others,
): Promise<PlannedPart | Skip> {
  const { length } = sizes;
  const stories = text.get("core") ?? text.get("worlds") ?? [];
  switch (name) {
    case "nelbo":
      return planNelbo(model, text, { ...sizes, twin: await others.twin() });
    case "infill":
      return planInfill(model, text, { ...sizes, draws: sizes.gapDraws, recipe: recipe ?? PLAIN });
    case "parallel": {
      const title = "Tasks, several tokens a step";
      return planTasks(model, prompts, { title, recipe: PARALLEL, length, targetsOf: speedTargets });
    }
    case "tasks": {
      const options = { title: "Tasks", recipe: recipe ?? PLAIN, length };
      return planTasks(model, prompts, { ...options, targetsOf: knowledgeTargets });
    }
    case "margin": {
      const sudoku = new Map([...prompts].filter(([task]) => task === "sudoku4"));
      const options = { title: "Tasks that depend on the order", recipe: MARGIN, length };
      return planTasks(model, sudoku, { ...options, targetsOf: marginTargets });
    }
    case "stories":
      return planStories(model, stories, {
        samples: sizes.samples,
        length: sizes.story,
        recipe: recipe ?? model.manifest.recipes["story"] ?? model.manifest.recipes["default"] ?? PLAIN,
        plain: PLAIN,
        parallel: PARALLEL,
        data,
        worlds,
        twin: await others.twin(),
      });
    case "quantisation": {
      const opened = await others.quantised();
      if (isSkip(opened)) return opened;
      return planQuantisation(opened, openingsOf(prompts, stories, sizes.runs), length);
    }
    case "precision": {
      const opened = await others.quantised();
      if (isSkip(opened)) return opened;
      const paired = new Map(
        [...prompts].map(([task, list]) => [task, list.slice(0, sizes.paired)] as const),
      );
      return planPrecision(model, opened, text, { ...sizes, prompts: paired, recipe: recipe ?? PLAIN });
    }
    default:
      return assertNever(name);
  }
}

/** Prompts of the tasks, one of each in turn, and between them first words of stories. */
function openingsOf(
  prompts: ReadonlyMap<string, readonly TaskPrompt[]>,
  stories: readonly string[],
  count: number,
): readonly Opening[] {
  const lists = [...prompts.values()];
  return Array.from({ length: count }, (_, i): readonly Opening[] => {
    const at = i >> 1;
    if (i % 2 === 1) {
      const story = stories[at];
      return story === undefined ? [] : [{ mode: "story", prompt: story.split(/\s+/).slice(0, 6).join(" ") }];
    }
    const entry = lists[at % lists.length]?.[Math.floor(at / lists.length)];
    return entry === undefined ? [] : [{ mode: "task", prompt: entry.prompt }];
  }).flat();
}
