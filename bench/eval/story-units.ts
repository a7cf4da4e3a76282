import * as v from "valibot";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { type Lab, runToEnd, type Unit } from "../harness/lab.ts";

/** The first words of a story, in the spaces and lines that stand between them. */
const FIRST_WORDS = /^\s*(?:\S+\s+){5}\S+/;

const storySchema = v.object({
  text: v.string(),
  /** What was written, without end and padding. */
  tokens: v.array(v.number()),
  ended: v.boolean(),
  forwards: v.number(),
});
export type Story = v.InferOutput<typeof storySchema>;

/** Where a sample begins. */
export interface Beginning {
  readonly prompt: string;
  /** Tokens of the mode and of the prompt. */
  readonly ids: readonly number[];
  /** Tokens of the story that it was taken from, behind the prompt. */
  readonly rest: readonly number[];
  /** Cells left for the sample. */
  readonly cells: number;
}

/** @param length cells of beginning and sample together, as far as the model has as many */
export function beginningsOf(
  { manifest, tokenizer }: JobModel,
  texts: readonly string[],
  length: number,
): readonly Beginning[] {
  const prefix = manifest.modes["story"]?.prefix ?? [];
  return texts.flatMap((text) => {
    const [prompt = text] = FIRST_WORDS.exec(text) ?? [];
    const own = tokenizer.encode(prompt);
    const cells = Math.min(length - own.length, manifest.maxCanvas - prefix.length - own.length);
    if (cells < 1) return [];
    const rest = [...tokenizer.encode(text.slice(prompt.length))];
    return [{ prompt, ids: [...prefix, ...own], rest, cells }];
  });
}

/** What stands in the held-out story behind its beginning, cut as a sample is. */
export function heldOutStory({ rest, cells }: Beginning): Story {
  return { text: "", tokens: rest.slice(0, cells), ended: rest.length < cells, forwards: 0 };
}

export function storyUnits(
  { manifest }: JobModel,
  beginnings: readonly Beginning[],
  { temperature, recipe }: { readonly temperature: number; readonly recipe: unknown },
): Unit<Story>[] {
  const { eos, pad } = manifest.tokens;
  const mode = Object.hasOwn(manifest.modes, "story") ? { mode: "story" } : {};
  return beginnings.map(({ prompt, ids, cells }, seed) => ({
    key: ["stories", prompt, String(temperature), String(seed), String(cells), JSON.stringify(recipe)],
    label: `story ${seed + 1} at temperature ${temperature}`,
    cost: 0.8 * cells * (ids.length + cells),
    schema: storySchema,
    async run(lab: Lab) {
      const options = { ...mode, recipe, temperature, seed, maxNewTokens: cells };
      const { text = "", tokens, nfe } = await runToEnd({ kind: "generate", prompt, options }, lab);
      const end = tokens.findIndex((id) => eos.includes(id));
      const written = (end < 0 ? tokens : tokens.slice(0, end)).filter((id) => id !== pad);
      return { text, tokens: [...written], ended: end >= 0, forwards: nfe };
    },
  }));
}
