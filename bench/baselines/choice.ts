import { lossAgainst } from "./accuracy.ts";
import type { TaskOutcomes } from "./answers.ts";
import { BLOCK } from "./contestants.ts";

/**
 * How the best recipe is found: candidates on held-out prompts that the benchmark does not use, beside the naive loop's
 * answers. Of those that lose nothing on them and are about as often right as the best candidate, the one whose forwards
 * cost least.
 */
const TRIMMED = { eos: true, eotp: { minConf: 0.9, notBefore: "start" } };
const trimmed = (recipe: object) => ({ block: BLOCK, stop: TRIMMED, ...recipe });

export const CANDIDATES: readonly Readonly<Record<string, unknown>>[] = [
  ...([32, 64] as const).flatMap((block) =>
    [0.95, 0.9].flatMap((threshold) =>
      (["none", "dual"] as const).map((cache) => trimmed({ preset: "fast-dllm", block, threshold, cache })),
    ),
  ),
  trimmed({ preset: "credit" }),
  trimmed({ preset: "credit", block: 64 }),
  trimmed({ preset: "credit", cache: "dual" }),
  trimmed({ preset: "learn2pd" }),
  { preset: "credit", block: BLOCK, stop: { eos: true }, cache: "suffix-drop" },
  ...(["none", "dual"] as const).flatMap((cache) =>
    [0.9, 0.75].map((threshold) => ({ preset: "block-dynamic", block: BLOCK, threshold, cache })),
  ),
];

/** What a forward costs beside its rows, in rows: fixed part over part a row of the cost model in engine.json. */
const FORWARD_ROWS = 30;

export interface Candidate {
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly prompts: number;
  readonly right: number;
  /** Mean over tasks against the naive loop, in points. */
  readonly loss: number;
  readonly lossTasks: readonly string[];
  /** Means of a response. */
  readonly forwards: number;
  readonly rows: number;
  /** `rows` and what the forwards cost beside them. */
  readonly cost: number;
}

/** @param found of each prompt the outcome of the naive loop, then that of each candidate */
export function compareCandidates(
  recipes: readonly Readonly<Record<string, unknown>>[],
  found: readonly TaskOutcomes[],
): Candidate[] {
  const all = found.flatMap(({ outcomes }) => outcomes);
  return recipes.map((recipe, i) => {
    const mean = (of: "forwards" | "rows") =>
      all.reduce((sum, row) => sum + row[i + 1]![of], 0) / Math.max(1, all.length);
    const { mean: loss, tasks: lossTasks } = lossAgainst(found, 0, i + 1);
    const [forwards, rows] = [mean("forwards"), mean("rows")];
    return {
      recipe,
      prompts: all.length,
      right: all.filter((row) => row[i + 1]!.right).length,
      loss,
      lossTasks,
      forwards,
      rows,
      cost: rows + FORWARD_ROWS * forwards,
    };
  });
}

/** Points that a candidate may lose against the one that is right most often, if it loses none to the naive loop. */
const BEHIND = 2;

/** The cheapest good candidate; undefined where all lose. */
export function cheapest(candidates: readonly Candidate[]): Candidate | undefined {
  const most = Math.min(0, BEHIND + Math.min(...candidates.map(({ loss }) => loss)));
  return candidates
    .filter(({ loss, lossTasks }) => loss <= most && lossTasks.length === 0)
    .toSorted((a, b) => a.cost - b.cost)[0];
}
