import type { CompiledConstraint } from "../../constraints/constraint.ts";
import { parseConstraint } from "../../constraints/input.ts";
import { isUnmaskError, UnmaskError } from "../../core/errors.ts";
import type { Candidate, Job } from "../../core/job.ts";
import type { Span, Tokenizer } from "../../core/types.ts";
import type { Manifest } from "../../model/manifest.ts";
import { isCustomTerm, type ScoreTerm, type Search, type TextTerm } from "../../search/input.ts";
import {
  answerFinder,
  distinctReward,
  keywordReward,
  lengthReward,
  regexReward,
} from "../../search/rewards.ts";
import { type Canvas, MASKED } from "../../strategies/canvas.ts";
import type { ModelTraits } from "../../strategies/strategy.ts";
import type { TextPart } from "../ask/gaps.ts";
import { compileForGaps } from "./constraint.ts";
import { type Result, readResult } from "./result.ts";

/** Scores many texts at once: one message where the function lives in another thread. */
export type ScoreTexts = (candidates: readonly Candidate[]) => Promise<readonly number[]>;

/** Answers what a search asks about texts. */
export interface TextJudge {
  /** The text terms of the score, weighted and summed, one number a canvas. */
  score(canvases: readonly Canvas[]): Promise<readonly number[]>;
  /** What the vote's expression finds in each text. */
  read(canvases: readonly Canvas[]): readonly (string | null)[];
}

export interface TextSetting {
  readonly kind: Job["kind"];
  readonly tokenizer: Tokenizer;
  readonly tokens: Manifest["tokens"];
  readonly traits: ModelTraits;
  /** The text that is given, and which cells of a canvas are not. */
  layout(canvas: Canvas): { readonly parts: readonly TextPart[]; readonly gaps: readonly Span[] };
  /** For each gap whether the space before it is left to the model. */
  readonly spaces: readonly boolean[];
  /** The caller's function. */
  readonly custom: ScoreTexts | undefined;
}

/** Stands for a run of masks in an unfinished text. */
const HOLE = "…";

/** A text with what its terms may look at. */
interface Judged {
  readonly canvas: Canvas;
  readonly gaps: readonly Span[];
  readonly result: Result;
  readonly masksLeft: number;
}

type Reward = (text: Judged) => number;

/**
 * Compiles the terms of a search, so that a wrong one is refused before anything runs.
 *
 * @throws UnmaskError `invalid-options`
 */
export function createTextJudge(search: Search, setting: TextSetting): TextJudge {
  const terms = search.method === "vote" ? [] : search.score;
  const find = search.method === "vote" ? answerFinder(search.answer) : () => null;
  const rewards = terms.filter(isOfText).map((term): Reward => {
    const reward = rewardOf(term, setting);
    return (text) => term.weight * reward(text);
  });
  const custom = terms.filter(isCustomTerm);
  return {
    read: (canvases) => canvases.map((canvas) => find(judged(canvas, setting).result.text)),
    async score(canvases) {
      const texts = canvases.map((canvas) => judged(canvas, setting));
      const named = texts.map((text) => rewards.reduce((sum, reward) => sum + reward(text), 0));
      if (custom.length === 0) return named;
      const weight = custom.reduce((sum, term) => sum + term.weight, 0);
      const values = await askCaller(texts, setting.custom);
      return named.map((score, i) => score + weight * values[i]!);
    },
  };
}

function isOfText(term: ScoreTerm): term is TextTerm {
  return !("name" in term);
}

function rewardOf(term: TextTerm, setting: TextSetting): Reward {
  if ("length" in term) {
    return ({ result, masksLeft }) => lengthReward(result.effectiveTokens + masksLeft, term.length);
  }
  if ("keywords" in term) return ({ result }) => keywordReward(result.text, term.keywords);
  if ("distinct" in term) return ({ result }) => distinctReward(result.text, term.distinct);
  if ("regex" in term) {
    const matches = regexReward(term.regex);
    return ({ result }) => matches(result.text);
  }
  const { tokenizer, tokens, traits, kind, spaces } = setting;
  const endIds = kind === "infill" ? [] : [...tokens.eos, ...(tokens.pad === undefined ? [] : [tokens.pad])];
  const constraint = parseConstraint(term.constraint);
  const compiled = compileForGaps(constraint, tokenizer, traits, endIds, spaces);
  return ({ canvas, gaps }) =>
    gaps.every((gap, i) => canSatisfy(compiled.of(i), canvas, gap, traits.maskId)) ? 1 : 0;
}

/** Whether a gap satisfies a constraint, or some filling of its masks does. */
function canSatisfy(compiled: CompiledConstraint, { ids }: Canvas, gap: Span, maskId: number): boolean {
  const placed = ids.slice();
  for (const { row, id } of compiled.placements(gap)) {
    if (placed[row] !== maskId && placed[row] !== id) return false;
    placed[row] = id;
  }
  return compiled.track(placed, gap, maskId).isFeasible();
}

function judged(canvas: Canvas, { kind, tokenizer, tokens, layout }: TextSetting): Judged {
  const { parts, gaps } = layout(canvas);
  let masksLeft = 0;
  for (const { start, end } of gaps) {
    for (let row = start; row < end; row++) if (canvas.kinds[row] === MASKED) masksLeft++;
  }
  return { canvas, gaps, masksLeft, result: readResult(canvas, gaps, parts, kind, tokenizer, tokens, HOLE) };
}

async function askCaller(
  texts: readonly Judged[],
  custom: ScoreTexts | undefined,
): Promise<readonly number[]> {
  if (custom === undefined) throw new UnmaskError("internal", "The score of this search is not there.");
  const candidates = texts.map(
    ({ result, masksLeft }): Candidate => ({ text: result.text, tokens: result.tokens, masksLeft }),
  );
  let values: readonly number[];
  try {
    values = await custom(candidates);
  } catch (cause) {
    if (isUnmaskError(cause)) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw wrong(`The score function failed: ${message.slice(0, 200)}`);
  }
  const bad = values.find((value) => typeof value !== "number" || !Number.isFinite(value));
  if (values.length !== texts.length || bad !== undefined) {
    throw wrong(`A score is a finite number, got ${String(bad).slice(0, 40)}.`);
  }
  return values;
}

function wrong(message: string): UnmaskError {
  return new UnmaskError("invalid-options", message, { detail: { option: "score" } });
}
