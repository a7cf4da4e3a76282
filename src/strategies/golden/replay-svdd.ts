import { searchPaths } from "../../search/paths.ts";
import { openSession } from "../../search/session.ts";
import { startState } from "../decode.ts";
import { goldenRandom } from "../oracle/golden-random.ts";
import { canvasHash, createOracle } from "../oracle/oracle.ts";
import { numbers, startCanvas } from "./plan.ts";
import { ancestral, recordedRace } from "./plans-ancestral.ts";
import type { CaseOutcome } from "./replay.ts";
import { type BatchStep, type GoldenCase, hyperCount, parseBatches } from "./schema.ts";

/** Candidates of a step; more could not be told from a runaway. */
const MOST_CANDIDATES = 64;

/** SVDD was recorded with two canvases at a time: each is a run of its own here, with its part of the random numbers. */
export function replaySvdd(json: unknown): readonly CaseOutcome[] {
  return parseBatches(json).map(({ golden, finals, steps }) => {
    const why = finals
      .map((final, line) => mismatch(golden, steps, final, line))
      .find((wrong) => wrong !== null);
    return { id: golden.id, outcome: why === undefined ? "passed" : "failed", why: why ?? "" };
  });
}

function mismatch(
  golden: GoldenCase,
  steps: readonly BatchStep[],
  final: readonly number[],
  line: number,
): string | null {
  const random = goldenRandom(golden.rng?.rseed ?? golden.seed);
  const weights = numbers(golden.file["valueWeights"], "valueWeights");
  const { V, mask } = golden.oracle;
  const offset = line * final.length * V;
  const race = recordedRace(golden, (call, e) => random.float32(call, offset + e), random);
  const plan = ancestral(golden, race, false);
  const worthOf = (ids: Int32Array): number =>
    ids.reduce((sum, id) => sum + (id === mask ? 0 : (weights[id] ?? 0)), 0);
  const oracle = createOracle(golden.seed, golden.oracle, race.draw, 0);
  const start = startState(startCanvas(golden, plan));
  const traits = { maskId: mask, suppress: [mask], attention: { kind: "full" } } as const;
  const { strategy } = plan;
  const session = openSession({ strategy, traits, start, seed: 0, rngOf: () => random, blank: [] });
  const search = searchPaths(session, {
    method: "svdd",
    n: Math.min(MOST_CANDIDATES, hyperCount(golden, "M") ?? 1),
    width: 1,
    every: 1,
    alpha: 0,
    lookahead: false,
    score: [{ name: "custom", weight: 1 }],
  });
  let turn = search.next();
  let index = 0;
  while (turn.done !== true) {
    const output = turn.value;
    const step = steps[index]?.batch[line];
    if (output.type === "request") {
      if (step === undefined) return `takes more than ${steps.length} steps`;
      if (canvasHash(session.shown.ids) !== step.h) return `step ${index}: the canvas differs`;
      turn = search.next(oracle.forward(output.request));
    } else if (output.type === "score") {
      const values = output.canvases.map(({ ids }) => worthOf(ids));
      if (step !== undefined && values.some((value, i) => Math.abs(value - step.values[i]!) > 1e-9)) {
        return `step ${index}: the values are ${values.join()}, not ${step.values.join()}`;
      }
      turn = search.next(values);
    } else {
      // The reference takes a forward for each step, even after one that changed nothing.
      if (output.type === "step") session.last = null;
      if (output.type === "step" && step !== undefined) {
        const written = output.commits.map(({ row, id }) => `${row}:${id}`).join();
        const wanted = step.commit.map(([row, id]) => `${row}:${id}`).join();
        if (written !== wanted) return `step ${index}: commits ${written}, not ${wanted}`;
        index++;
      }
      turn = search.next(undefined);
    }
  }
  if (session.nfe !== golden.nfe) return `takes ${session.nfe} forwards, not ${golden.nfe}`;
  return canvasHash(session.shown.ids) === canvasHash(final) ? null : "the final canvas differs";
}
