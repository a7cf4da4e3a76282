import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { UnmaskError } from "../../core/errors.ts";
import type { Job } from "../../core/job.ts";
import { type LoadedModel, loadModel } from "../../runtime/open/load-model.ts";
import type { Platform } from "../../runtime/platform/platform.ts";
import { nodePlatform } from "../../runtime/platform/platform-node.ts";
import type { CommandIo, OptionValues } from "../command.ts";
import { modelOption, numberOption } from "../generate/generation-options.ts";
import { importBench } from "../import-bench.ts";
import { readTextFile } from "../io/text-file.ts";

/** What every fit begins with: a model with its weights, and prompts to let it write from. */

const MAX_PROMPTS_BYTES = 64 * 2 ** 20;

const promptSchema = v.object({ prompt: v.string(), mode: v.optional(v.string()) });

/** `bench/harness/runtime.ts` of the checkout. */
interface RuntimeModule {
  chooseRuntime(asked: string, variant: string | undefined): Promise<{ readonly platform: Platform }>;
}

/**
 * Opens the model of `--model`; whoever opens it disposes of its denoiser.
 *
 * @throws UnmaskError among others `invalid-options`, and `usage` where there is no checkout to take `native` from
 */
export async function openFitModel(
  values: OptionValues,
  io: CommandIo,
  variant: string | undefined,
): Promise<LoadedModel> {
  const threads = numberOption(values, "threads");
  return loadModel(
    await fitPlatform(values["runtime"], variant),
    modelOption(values),
    { ...(threads === undefined ? {} : { threads }), ...(variant === undefined ? {} : { variant }) },
    () => {},
    io.signal,
  );
}

/** int8 stays on WASM whatever was asked for: it rounds differently on each machine, and its golden forward is WASM's. */
async function fitPlatform(asked: OptionValues[string], variant: string | undefined): Promise<Platform> {
  if (typeof asked !== "string") return nodePlatform();
  const { chooseRuntime } = await importBench<RuntimeModule>("harness/runtime");
  return (await chooseRuntime(variant === "int8" ? "wasm" : asked, variant)).platform;
}

/**
 * The prompts of `--prompts`, at most `--limit`, spread evenly over the file (which is often sorted by kind).
 *
 * @throws UnmaskError `invalid-options` when a line is not a prompt
 */
export async function fitJobs(values: OptionValues, usual: number): Promise<readonly Job[]> {
  const limit = wholeOption(values, "limit", usual, 1, 100_000);
  const file = values["prompts"];
  const path =
    typeof file !== "string"
      ? fileURLToPath(new URL("../../../training/fixtures/filter_prompts.jsonl", import.meta.url))
      : file;
  const text = await readTextFile(path, "The prompts file", MAX_PROMPTS_BYTES, "invalid-options");
  const mode = typeof values["mode"] === "string" ? values["mode"] : undefined;
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const count = Math.min(limit, lines.length);
  return Array.from({ length: count }, (_, i): Job => {
    const entry = parsePrompt(lines[Math.floor((i * lines.length) / count)]!, path);
    const own = entry.mode ?? mode;
    return { kind: "generate", prompt: entry.prompt, options: own === undefined ? {} : { mode: own } };
  });
}

function parsePrompt(line: string, path: string): v.InferOutput<typeof promptSchema> {
  try {
    return v.parse(promptSchema, JSON.parse(line));
  } catch (cause) {
    throw new UnmaskError(
      "invalid-options",
      `The prompts file ${path} is not JSON lines of {prompt, mode?}: ${line.slice(0, 60)}`,
      { cause, detail: { option: "prompts" } },
    );
  }
}

/** @throws UnmaskError `invalid-options` when it is not a whole number in range */
export function wholeOption(
  values: OptionValues,
  name: string,
  usual: number,
  low: number,
  high: number,
): number {
  const value = numberOption(values, name) ?? usual;
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new UnmaskError(
    "invalid-options",
    `--${name} must be a whole number from ${low} to ${high}, got ${value}.`,
    { detail: { option: name } },
  );
}
