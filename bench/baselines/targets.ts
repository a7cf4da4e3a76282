import type { Target } from "../harness/targets.ts";
import type { Accuracy, Loss } from "./accuracy.ts";
import { BEST_NAME, TWIN } from "./contestants.ts";
import { factorOf, type Standing } from "./standing.ts";

/** Times faster than the naive loop that the best recipe should be, by canvas. */
const FACTORS = new Map([
  [256, 20],
  [512, 57],
]);

/** What was hoped for, and what became of it. Accuracy counts where its part has been measured. */
export function baselineTargets(standings: readonly Standing[], accuracy: readonly Accuracy[]): Target[] {
  const targets: Target[] = [];
  for (const [canvas, least] of FACTORS) {
    const best = find(standings, BEST_NAME, canvas);
    const answers = accuracy.find((one) => one.canvas === canvas && one.prompts > 0);
    targets.push({
      what: `canvas of ${canvas}: times faster than the naive loop`,
      target: `at least ${least}`,
      measured: best === undefined ? null : factorOf(best).toFixed(1),
      holds: best === undefined ? null : factorOf(best) >= least,
    });
    targets.push({
      what: `canvas of ${canvas}: answers lost against the naive loop`,
      target: "at most 1 point in the mean, no task for sure",
      measured: answers === undefined ? null : showLoss(answers.againstNaive, answers),
      holds: answers === undefined ? null : isKept(answers.againstNaive),
    });
  }
  for (const { canvas } of accuracy) {
    const [best, twin] = [find(standings, BEST_NAME, canvas), find(standings, TWIN, canvas)];
    if (best === undefined || twin === undefined) continue;
    const answers = accuracy.find((one) => one.canvas === canvas);
    const loss = answers?.againstTwin ?? null;
    const factor = best.tokensPerSecond / twin.tokensPerSecond;
    targets.push({
      what: `canvas of ${canvas}: tokens a second over the twin's, at equal accuracy`,
      target: "more than 1",
      measured: `${factor.toFixed(2)}${loss === null ? "" : `; ${showLoss(loss, answers!)}`}`,
      holds: loss === null ? null : factor > 1 && isKept(loss),
    });
  }
  return targets;
}

function isKept({ mean, tasks }: Loss): boolean {
  return mean <= 1 && tasks.length === 0;
}

function showLoss({ mean, tasks }: Loss, { prompts, planned }: Accuracy): string {
  const of = prompts === planned ? `${prompts} prompts` : `${prompts} of ${planned} prompts`;
  const sure = tasks.length === 0 ? "no task for sure" : `for sure ${tasks.join(", ")}`;
  return `${mean.toFixed(2)} points lost, ${sure} (${of})`;
}

function find(standings: readonly Standing[], wanted: string, canvas: number): Standing | undefined {
  return standings.find((one) => one.name === wanted && one.canvas === canvas);
}
