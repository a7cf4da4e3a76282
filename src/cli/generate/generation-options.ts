import { fileURLToPath } from "node:url";
import { UnmaskError } from "../../core/errors.ts";
import type { GenerateOptions } from "../../core/job.ts";
import type { Command, OptionValues } from "../command.ts";
import { readTextFile } from "../io/text-file.ts";

const MAX_RECIPE_BYTES = 2 ** 20;

/** Options that `generate` and `infill` share. */
export const GENERATION_OPTIONS: Command["options"] = {
  model: { type: "string" },
  recipe: { type: "string" },
  mode: { type: "string" },
  "max-new-tokens": { type: "string" },
  seed: { type: "string" },
  temperature: { type: "string" },
  trace: { type: "string" },
  backend: { type: "string" },
  variant: { type: "string" },
  threads: { type: "string" },
  companion: { type: "string" },
};

export const GENERATION_HELP: Command["help"] = {
  model: "bundle folder (default: the embedded model)",
  recipe: "preset or recipe name, a JSON object, or a JSON file",
  mode: "entry of the bundle's modes, e.g. story, task, chat, plain",
  "max-new-tokens": "length of the canvas after the prompt",
  seed: "integer; the same seed gives the same text",
  temperature: "0 takes the best token, above samples",
  trace: "write the event log to this .unmask.json file",
  backend: "wasm (the only one on Node)",
  variant: "weights: q4, q8, f32, int8",
  threads: "WASM threads",
  companion: "folder of an autoregressive model for transformers.js, which guided and init.from ask",
};

/** `--model`, or the embedded model. @throws UnmaskError `usage` for an empty name */
export function modelOption(values: OptionValues): string {
  const model = values["model"];
  if (typeof model !== "string") return embeddedModel();
  if (model.trim() === "") throw new UnmaskError("usage", "--model needs the folder or address of a bundle.");
  return model;
}

/** The bundle that ships with the package or the checkout. */
export function embeddedModel(): string {
  const here = import.meta.url;
  // Built, this module is a chunk in dist/node; as a source it is three folders below the checkout's root.
  return fileURLToPath(
    new URL(here.endsWith(".ts") ? "../../../public/models/default" : "../models/default", here),
  );
}

/** A number from an option's text. @throws UnmaskError `invalid-options` */
export function numberOption(values: OptionValues, name: string): number | undefined {
  const text = values[name];
  if (typeof text !== "string") return undefined;
  const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) {
    throw new UnmaskError("invalid-options", `--${name} must be a number, got "${text.slice(0, 40)}".`, {
      detail: { option: name },
    });
  }
  return value;
}

/** A recipe from `--recipe`: a name as it is, JSON parsed, a file read and parsed. */
export async function recipeOption(values: OptionValues): Promise<unknown> {
  const text = values["recipe"];
  if (typeof text !== "string") return undefined;
  const isJson = /^\s*[[{]/.test(text);
  if (!isJson && !text.endsWith(".json")) return text;
  const source = isJson
    ? text
    : await readTextFile(text, "The recipe file", MAX_RECIPE_BYTES, "invalid-options");
  try {
    return JSON.parse(source);
  } catch (cause) {
    throw new UnmaskError("invalid-options", `The recipe is not valid JSON: ${String(cause)}`, { cause });
  }
}

/** Everything the engine takes from the command line; only what was given. */
export async function generateOptions(values: OptionValues): Promise<GenerateOptions> {
  const recipe = await recipeOption(values);
  const seed = numberOption(values, "seed");
  const temperature = numberOption(values, "temperature");
  const maxNewTokens = numberOption(values, "max-new-tokens");
  const mode = values["mode"];
  return {
    ...(recipe === undefined ? {} : { recipe }),
    ...(seed === undefined ? {} : { seed }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
    ...(typeof mode === "string" ? { mode } : {}),
  };
}
