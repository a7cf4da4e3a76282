import { tokenEntropy } from "../stats/entropy.ts";
import { distinctShare, repeatedShare } from "../stats/ngrams.ts";
import { wilson } from "../stats/wilson.ts";
import type { Story } from "./story-units.ts";

/** What a row of stories came to. */
export interface StoryFigures {
  readonly stories: number;
  /** Share that ends by itself, with its interval. */
  readonly ended: number;
  readonly interval: readonly [low: number, high: number];
  /** Of a story, in the mean. */
  readonly tokens: number;
  readonly tokensPerForward: number;
  readonly entropy: number;
  readonly distinct2: number;
  readonly repeated4: number;
  /** Words of the longest run of each story that stands in the training text; null where there is none to compare. */
  readonly copied: { readonly median: number; readonly most: number } | null;
  /** null without an autoregressive twin. */
  readonly perplexity: number | null;
}

/** @param copied words a story, in the order of the stories */
export function storyFigures(
  stories: readonly Story[],
  copied: readonly number[] | null,
): Omit<StoryFigures, "perplexity"> {
  const texts = stories.map(({ tokens }) => tokens);
  const total = (of: (story: Story) => number) => stories.reduce((sum, story) => sum + of(story), 0);
  const count = Math.max(1, stories.length);
  const sorted = copied?.toSorted((a, b) => a - b) ?? [];
  const ended = total(({ ended }) => (ended ? 1 : 0));
  const tokens = total(({ tokens }) => tokens.length);
  return {
    stories: stories.length,
    ended: ended / count,
    interval: wilson(ended, stories.length),
    tokens: tokens / count,
    tokensPerForward:
      tokens /
      Math.max(
        1,
        total(({ forwards }) => forwards),
      ),
    entropy: total((story) => tokenEntropy(story.tokens)) / count,
    distinct2: distinctShare(texts, 2),
    repeated4: total((story) => repeatedShare(story.tokens, 4)) / count,
    copied: copied === null ? null : { median: sorted[sorted.length >> 1] ?? 0, most: sorted.at(-1) ?? 0 },
  };
}
