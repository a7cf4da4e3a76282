import * as v from "valibot";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { type Lab, runToEnd, runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { percent } from "../harness/table.ts";
import { tokenEntropy } from "../stats/entropy.ts";
import { distinctShare, repeatedShare } from "../stats/ngrams.ts";
import { createRunFinder } from "../stats/shared-run.ts";
import { trainingDocuments } from "./corpus.ts";
import { isSkip, type PlannedPart, type Skip } from "./part.ts";
import type { Twin } from "./twin.ts";

const TEMPERATURES = [0, 0.5, 0.8];
/** Words of a held-out story that begin a sample. */
const PROMPT_WORDS = 6;

const storySchema = v.object({
  text: v.string(),
  tokens: v.array(v.number()),
  ended: v.boolean(),
  forwards: v.number(),
});
type Story = v.InferOutput<typeof storySchema>;

export interface StoryOptions {
  /** Samples a temperature. */
  readonly samples: number;
  readonly length: number;
  /** A recipe object; the temperature is added. */
  readonly recipe: unknown;
  /** Folder of the collected training text. */
  readonly data: string;
  /** Judges the samples. */
  readonly twin: Twin | Skip;
}

/** Numbers that give a bad story away: none of them says that one is good. */
export function planStories(
  model: JobModel,
  beginnings: readonly string[],
  options: StoryOptions,
): PlannedPart {
  const prompts = beginnings
    .slice(0, options.samples)
    .map((text) => text.split(/\s+/).slice(0, PROMPT_WORDS).join(" "));
  const groups = TEMPERATURES.map((temperature) => ({
    temperature,
    units: prompts.map((prompt, seed) => unitOf(model, prompt, temperature, seed, options)),
  }));
  return {
    cost: groups.reduce((sum, { units }) => sum + totalCost(units), 0),
    async measure(lab) {
      const stories: Story[][] = [];
      for (const { units } of groups) stories.push(await runUnits(units, lab));
      lab.progress.begin("comparing with the training text");
      const copied = await longestCopies(stories.flat(), options.data);
      lab.progress.begin("asking the autoregressive twin");
      const { twin } = options;
      const surprise = isSkip(twin)
        ? null
        : await perplexities(model, twin, beginnings, prompts, stories, options);
      const found = stories.map((list, i) => ({
        ...summary(
          TEMPERATURES[i]!,
          list,
          "runs" in copied ? copied.runs.slice(i * list.length, (i + 1) * list.length) : null,
        ),
        perplexity: surprise?.samples[i] ?? null,
      }));
      return {
        json: {
          recipe: options.recipe,
          length: options.length,
          temperatures: found,
          heldOutPerplexity: surprise?.heldOut ?? null,
        },
        table: {
          title: "Stories",
          columns: [
            "temperature",
            "stories",
            "end by themselves",
            "tokens",
            "entropy (nats)",
            "distinct-2",
            "repeated 4-grams",
            "longest copy (words): median, most",
            "perplexity (twin)",
          ],
          rows: found.map((entry) => [
            String(entry.temperature),
            String(entry.stories),
            percent(entry.ended),
            entry.tokens.toFixed(0),
            entry.entropy.toFixed(2),
            entry.distinct2.toFixed(3),
            percent(entry.repeated4),
            entry.copied === null ? "-" : `${entry.copied.median}, ${entry.copied.most}`,
            entry.perplexity === null ? "-" : entry.perplexity.toFixed(2),
          ]),
          notes: [
            `${JSON.stringify(options.recipe)}, at most ${options.length} cells, begun by the first ${PROMPT_WORDS} words of held-out stories. ` +
              "Entropy is that of a story's token frequencies; distinct-2 is pooled over the stories of a row.",
            "runs" in copied
              ? "Copies are searched in the collected training stories, not in the generated worlds."
              : `Skipped: copies of training text, because ${copied.skipped}.`,
            surprise === null
              ? `Skipped: ${isSkip(twin) ? twin.skipped : ""}.`
              : `Perplexity is that of the written tokens under the autoregressive twin; of held-out stories cut alike it is ${surprise.heldOut.toFixed(2)}. Repetition lowers it: read it beside entropy and distinct-2.`,
          ],
        },
      };
    },
  };
}

function unitOf(
  { manifest, tokenizer }: JobModel,
  prompt: string,
  temperature: number,
  seed: number,
  { recipe, length }: StoryOptions,
): Unit<Story> {
  const used = tokenizer.encode(prompt).length;
  const cells = Math.min(length, manifest.maxCanvas - used - 8);
  return {
    key: ["stories", prompt, String(temperature), String(seed), String(cells), JSON.stringify(recipe)],
    label: `story ${seed + 1} at temperature ${temperature}`,
    cost: 0.8 * cells * (used + cells),
    schema: storySchema,
    async run(lab: Lab) {
      const mode = Object.hasOwn(manifest.modes, "story") ? { mode: "story" } : {};
      const options = { ...mode, recipe, temperature, seed, maxNewTokens: cells };
      const { text = "", tokens, nfe } = await runToEnd({ kind: "generate", prompt, options }, lab);
      const end = tokens.findIndex((id) => manifest.tokens.eos.includes(id));
      const written = (end < 0 ? tokens : tokens.slice(0, end)).filter((id) => id !== manifest.tokens.pad);
      return { text, tokens: [...written], ended: end >= 0, forwards: nfe };
    },
  };
}

/**
 * How surprised the twin is by the samples, a temperature each, and by the stories that their beginnings come from:
 * `exp` of the mean of `-ln p` over all written tokens, and the end where it was written.
 */
async function perplexities(
  { manifest, tokenizer }: JobModel,
  twin: Twin,
  beginnings: readonly string[],
  prompts: readonly string[],
  stories: readonly (readonly Story[])[],
  { length }: StoryOptions,
): Promise<{ readonly samples: readonly number[]; readonly heldOut: number }> {
  const prefix = manifest.modes["story"]?.prefix ?? [];
  const end = manifest.tokens.eos.slice(0, 1);
  const over = async (texts: readonly (readonly [prompt: string, written: readonly number[]])[]) => {
    let nats = 0;
    let count = 0;
    for (const [prompt, written] of texts) {
      if (written.length === 0) continue;
      const before = [...prefix, ...tokenizer.encode(prompt)];
      nats += await twin.nats([...before, ...written], Math.max(1, before.length));
      count += written.length;
    }
    return Math.exp(nats / count);
  };
  const samples: number[] = [];
  for (const list of stories) {
    samples.push(
      await over(list.map(({ tokens, ended }, i) => [prompts[i]!, ended ? [...tokens, ...end] : tokens])),
    );
  }
  const rest = prompts.map((prompt, i): readonly [string, readonly number[]] => {
    const all = tokenizer.encode(beginnings[i]!.split(/\s+/).join(" "));
    const from = tokenizer.encode(prompt).length;
    return [prompt, [...all.subarray(from, from + length)]];
  });
  return { samples, heldOut: await over(rest) };
}

/** Words of the longest run that each story shares with the training text. */
async function longestCopies(
  stories: readonly Story[],
  data: string,
): Promise<{ readonly runs: readonly number[] } | { readonly skipped: string }> {
  try {
    const finder = createRunFinder(stories.map(({ text }) => wordsOf(text)));
    for await (const document of trainingDocuments(data)) finder.read(wordsOf(document));
    return { runs: finder.longest() };
  } catch (error) {
    return { skipped: error instanceof Error ? error.message : String(error) };
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}

function summary(temperature: number, stories: readonly Story[], copied: readonly number[] | null) {
  const texts = stories.map(({ tokens }) => tokens);
  const mean = (of: (story: Story) => number) =>
    stories.reduce((sum, story) => sum + of(story), 0) / Math.max(1, stories.length);
  const sorted = copied?.toSorted((a, b) => a - b) ?? [];
  return {
    temperature,
    stories: stories.length,
    ended: mean(({ ended }) => (ended ? 1 : 0)),
    tokens: mean(({ tokens }) => tokens.length),
    entropy: mean(({ tokens }) => tokenEntropy(tokens)),
    distinct2: distinctShare(texts, 2),
    repeated4: mean(({ tokens }) => repeatedShare(tokens, 4)),
    copied: copied === null ? null : { median: sorted[sorted.length >> 1] ?? 0, most: sorted.at(-1) ?? 0 },
  };
}
