import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OptionValues } from "../../src/cli/command.ts";
import { recipeOption } from "../../src/cli/generate/generation-options.ts";
import { UnmaskError } from "../../src/core/errors.ts";
import { nearest } from "../../src/core/nearest.ts";
import { countOption } from "../harness/counts.ts";
import { READING, readTaskPrompts, type TaskPrompt } from "../harness/task-prompts.ts";
import { TWIN_FOLDER } from "./twin.ts";

/** Parts in the order they run: the quick ones first. */
export const PARTS = [
  "nelbo",
  "infill",
  "parallel",
  "quantisation",
  "precision",
  "tasks",
  "margin",
  "stories",
] as const;
export type PartName = (typeof PARTS)[number];

const FULL = {
  documents: 64,
  draws: 64,
  gaps: 64,
  words: 300,
  gapDraws: 16,
  limit: 300,
  length: 64,
  samples: 50,
  /** Tokens of a whole story. */
  story: 256,
  runs: 26,
  /** Prompts a task, answered a second time by float32. */
  paired: 60,
};
/** A little of everything, in some minutes: shows that it works, measures nothing well. */
const QUICK: typeof FULL = {
  documents: 3,
  draws: 16,
  gaps: 2,
  words: 4,
  gapDraws: 4,
  limit: 2,
  length: 48,
  samples: 1,
  story: 72,
  runs: 2,
  paired: 1,
};

export interface Settings {
  readonly sizes: typeof FULL;
  readonly parts: readonly PartName[];
  readonly prompts: ReadonlyMap<string, readonly TaskPrompt[]>;
  /** What `--recipe` names. */
  readonly recipe: unknown;
  /** Folder of the collected text. */
  readonly data: string;
  /** File of the story worlds that were trained on. */
  readonly worlds: string | undefined;
  /** Checkpoint of the bundle. */
  readonly reference: string | undefined;
  /** Folder of the autoregressive twin. */
  readonly companion: string;
}

/** Options that leave a part out, or measure something else than the standard evaluation. */
const DEVIATING = [
  "parts",
  "limit",
  "tasks",
  "prompts",
  "length",
  "recipe",
  "variant",
  "data",
  "reference",
  "companion",
] as const;

export function isStandard(values: OptionValues): boolean {
  return DEVIATING.every((option) => values[option] === undefined);
}

/** @param name of the bundle; its master is the reference unless another one is named */
export async function settingsOf(values: OptionValues, name: string): Promise<Settings> {
  const defaults = values["quick"] === true ? QUICK : FULL;
  const limit = countOption(values, "limit", defaults.limit);
  const length = countOption(values, "length", defaults.length);
  const text = (option: string) => (typeof values[option] === "string" ? values[option] : undefined);
  const master = fileURLToPath(new URL(`../../training/masters/${name}`, import.meta.url));
  const files = values["prompts"] === undefined ? [undefined, READING] : [values["prompts"]];
  return {
    sizes: { ...defaults, limit, length },
    parts: chooseParts(text("parts")),
    prompts: await readTaskPrompts(files, values["tasks"], limit),
    recipe: await recipeOption(values),
    data: text("data") ?? fileURLToPath(new URL("../../../shared/data", import.meta.url)),
    worlds: text("worlds"),
    reference: text("reference") ?? (existsSync(join(master, "config.json")) ? master : undefined),
    companion: text("companion") ?? TWIN_FOLDER,
  };
}

function chooseParts(list: string | undefined): readonly PartName[] {
  if (list === undefined) return PARTS;
  const asked = list.split(",").map((name) => name.trim());
  const strange = asked.find((name) => !(PARTS as readonly string[]).includes(name));
  if (strange === undefined) return PARTS.filter((part) => asked.includes(part));
  const message = `There is no part "${strange.slice(0, 40)}". Did you mean "${nearest(strange, PARTS)}"?`;
  throw new UnmaskError("invalid-options", message, { detail: { option: "parts" } });
}
