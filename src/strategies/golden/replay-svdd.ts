import * as v from "valibot";
import { decode, startState } from "../decode.ts";
import { svdd } from "../decoders/svdd.ts";
import { type GoldenRandom, goldenRandom } from "../golden-random.ts";
import { canvasHash, createOracle } from "../oracle.ts";
import { numbers, startCanvas } from "./plan.ts";
import { ancestral, raceDraw } from "./plans-ancestral.ts";
import type { CaseOutcome } from "./replay.ts";
import { type GoldenCase, parseBatches } from "./schema.ts";

const batchStep = v.array(
  v.looseObject({
    batch: v.array(
      v.looseObject({
        h: v.number(),
        values: v.array(v.number()),
        pick: v.number(),
        commit: v.array(v.array(v.number())),
      }),
    ),
  }),
);

/** SVDD was recorded with two canvases at a time: each is a run of its own here, with its part of the random numbers. */
export function replaySvdd(json: unknown): readonly CaseOutcome[] {
  return parseBatches(json).map(({ golden, finals, steps }) => {
    const lines = v.parse(batchStep, steps);
    const why = finals
      .map((final, line) => mismatch(golden, lines, final, line))
      .find((wrong) => wrong !== null);
    return { id: golden.id, outcome: why === undefined ? "passed" : "failed", why: why ?? "" };
  });
}

function mismatch(
  golden: GoldenCase,
  steps: v.InferOutput<typeof batchStep>,
  final: readonly number[],
  line: number,
): string | null {
  const random = goldenRandom(golden.rng?.rseed ?? golden.seed);
  const weights = numbers(golden.file["valueWeights"], "valueWeights");
  const { V, mask } = golden.oracle;
  const offset = line * final.length * V;
  const draw = raceDraw(golden, (call, e) => random.float32(call, offset + e), random satisfies GoldenRandom);
  const plan = ancestral(golden, draw, false);
  let values: number[] = [];
  const strategy = svdd(plan.strategy, {
    proposals: Number(golden.hyper["M"]),
    alpha: 0,
    value: (ids) => {
      const value = ids.reduce((sum, id) => sum + (id === mask ? 0 : (weights[id] ?? 0)), 0);
      values.push(value);
      return value;
    },
  });
  const oracle = createOracle(golden.seed, golden.oracle, draw);
  const state = startState(startCanvas(golden, plan));
  const traits = { maskId: mask, suppress: [mask], attention: { kind: "full" } } as const;
  const decoder = decode(strategy, traits, state, random);
  let turn = decoder.next();
  let index = 0;
  while (turn.done !== true) {
    const output = turn.value;
    const step = steps[index]?.batch[line];
    if (output.type === "request") {
      if (step === undefined) return `takes more than ${steps.length} steps`;
      if (canvasHash(state.canvas.ids) !== step.h) return `step ${index}: the canvas differs`;
      turn = decoder.next(oracle.forward(output.request));
      continue;
    }
    if (output.type === "step" && step !== undefined) {
      if (values.some((value, i) => Math.abs(value - step.values[i]!) > 1e-9)) {
        return `step ${index}: the values are ${values.join()}, not ${step.values.join()}`;
      }
      const written = output.commits.map(({ row, id }) => `${row}:${id}`).join();
      const wanted = step.commit.map(([row, id]) => `${row}:${id}`).join();
      if (written !== wanted) return `step ${index}: commits ${written}, not ${wanted}`;
      values = [];
      index++;
    }
    turn = decoder.next(undefined);
  }
  if (state.nfe !== golden.nfe) return `takes ${state.nfe} forwards, not ${golden.nfe}`;
  return canvasHash(state.canvas.ids) === canvasHash(final) ? null : "the final canvas differs";
}
