import type { JobModel } from "../../src/engine/run/open-run.ts";
import { runUnits, totalCost } from "../harness/lab.ts";
import { percent, percentWithin } from "../harness/table.ts";
import { atLeast, atMost, type Target } from "../harness/targets.ts";
import { isSkip, type PlannedPart, type Skip } from "./part.ts";
import { longestCopies, trainingText } from "./story-copies.ts";
import { type StoryFigures, storyFigures } from "./story-figures.ts";
import { type Beginning, beginningsOf, heldOutStory, type Story, storyUnits } from "./story-units.ts";
import type { Twin } from "./twin.ts";

const TEMPERATURES = [0, 0.5, 0.8];

export interface StoryOptions {
  /** Samples a row of the table. */
  readonly samples: number;
  /** Cells of a whole story, its beginning among them. */
  readonly length: number;
  /** A recipe object; the temperature is added. */
  readonly recipe: unknown;
  /** The recipe that shows what the model alone repeats. */
  readonly plain: unknown;
  /** The recipe that tokens a forward are told of. */
  readonly parallel: unknown;
  /** Folder of the collected training text. */
  readonly data: string;
  /** Story worlds that were trained on, as `python -m training.worlds --out` writes them. */
  readonly worlds: string | undefined;
  /** Judges the samples. */
  readonly twin: Twin | Skip;
}

/** Numbers that give a bad story away: none of them says that one is good. */
export function planStories(model: JobModel, texts: readonly string[], options: StoryOptions): PlannedPart {
  const { length, recipe, plain, parallel, twin } = options;
  const beginnings = beginningsOf(model, texts.slice(0, options.samples), length);
  const rows = [
    ...TEMPERATURES.map((temperature) => ({ name: String(temperature), temperature, recipe })),
    { name: "0, one token a step", temperature: 0, recipe: plain },
    { name: "0, threshold 0.9", temperature: 0, recipe: parallel },
  ].map((row) => ({ ...row, units: storyUnits(model, beginnings, row) }));
  return {
    cost: rows.reduce((sum, { units }) => sum + totalCost(units), 0),
    async measure(lab) {
      const written: Story[][] = [];
      for (const { units } of rows) written.push(await runUnits(units, lab));
      lab.progress.begin("comparing with the training text");
      const copied = await longestCopies(
        written.flatMap((list) => list.map(({ text }, i) => `${beginnings[i]!.prompt} ${text}`)),
        trainingText(options.data, options.worlds),
      );
      lab.progress.begin("asking the autoregressive twin");
      const surprise = (stories: readonly Story[]) =>
        isSkip(twin) ? Promise.resolve(null) : perplexity(model, twin, beginnings, stories);
      const found: (StoryFigures & { readonly name: string })[] = [];
      for (const [r, stories] of written.entries()) {
        const runs =
          "runs" in copied ? copied.runs.slice(r * stories.length, (r + 1) * stories.length) : null;
        found.push({
          name: rows[r]!.name,
          ...storyFigures(stories, runs),
          perplexity: await surprise(stories),
        });
      }
      const own = beginnings.map(heldOutStory);
      const heldOut = { name: "held-out text", ...storyFigures(own, null), perplexity: await surprise(own) };
      return {
        json: { recipe, plain, parallel, length, rows: found, heldOut },
        table: {
          title: "Stories",
          columns: [
            "temperature",
            "stories",
            "end by themselves",
            "tokens",
            "tokens a forward",
            "entropy (nats)",
            "distinct-2",
            "repeated 4-grams",
            "longest copy (words): median, most",
            "perplexity (twin)",
          ],
          rows: [...found, heldOut].map((entry) => [
            entry.name,
            String(entry.stories),
            percentWithin(entry.ended, entry.interval),
            entry.tokens.toFixed(0),
            entry === heldOut ? "-" : entry.tokensPerForward.toFixed(2),
            entry.entropy.toFixed(2),
            entry.distinct2.toFixed(3),
            percent(entry.repeated4),
            entry.copied === null ? "-" : `${entry.copied.median}, ${entry.copied.most}`,
            entry.perplexity === null ? "-" : entry.perplexity.toFixed(2),
          ]),
          notes: [
            `${JSON.stringify(recipe)}; the last two rows of samples ${JSON.stringify(plain)} and ${JSON.stringify(parallel)}; at most ${length} tokens with the beginning, which is the first words of a held-out story. ` +
              "The last row is those stories themselves, cut alike. Entropy is that of a story's token frequencies; distinct-2 is pooled over the stories of a row; Wilson 95 % interval.",
            "runs" in copied
              ? `Copies are searched in the collected training stories${options.worlds === undefined ? ", not in the generated worlds (--worlds)" : " and in the generated worlds"}.`
              : `Skipped: copies of training text, because ${copied.skipped}.`,
            isSkip(twin)
              ? `Skipped: ${twin.skipped}.`
              : "Perplexity is that of the written tokens, and of the end where it was written, under the autoregressive twin. Repetition lowers it: read it beside entropy and distinct-2.",
          ],
        },
        targets: storyTargets(found, heldOut),
      };
    },
  };
}

function storyTargets(
  found: readonly (StoryFigures & { readonly name: string })[],
  heldOut: StoryFigures,
): readonly Target[] {
  const drawn = found.slice(0, TEMPERATURES.length);
  const parallel = found.at(-1)!;
  if (parallel.stories === 0) return [];
  const copied = found.flatMap((entry) => entry.copied?.most ?? []);
  return [
    ...drawn.flatMap(({ name, repeated4, ended }) => [
      atMost(
        `repeated 4-grams at temperature ${name}, points above held-out text`,
        5,
        100 * (repeated4 - heldOut.repeated4),
        1,
      ),
      atLeast(`stories at temperature ${name} that end by themselves`, 90, 100 * ended, 0, " %"),
    ]),
    atLeast("tokens a forward on stories", 2, parallel.tokensPerForward, 2),
    ...(copied.length === 0
      ? []
      : [atMost("longest copy of training text, words", 20, Math.max(...copied), 0)]),
  ];
}

/** `exp` of the mean of `-ln p` over all written tokens, and the end where it was written. */
async function perplexity(
  { manifest }: JobModel,
  twin: Twin,
  beginnings: readonly Beginning[],
  stories: readonly Story[],
): Promise<number> {
  const end = manifest.tokens.eos.slice(0, 1);
  let nats = 0;
  let count = 0;
  for (const [i, { tokens, ended }] of stories.entries()) {
    const before = beginnings[i]!.ids;
    const written = ended ? [...tokens, ...end] : tokens;
    if (written.length === 0) continue;
    nats += await twin.nats([...before, ...written], Math.max(1, before.length));
    count += written.length;
  }
  return Math.exp(nats / count);
}
