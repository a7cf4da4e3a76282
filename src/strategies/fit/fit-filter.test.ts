import { expect, test } from "vitest";
import { uniform } from "../../core/random.ts";
import { runFilter } from "../decoders/learn2pd.ts";
import { type FitOptions, fitFilter } from "./fit-filter.ts";
import type { FilterExample } from "./greedy-oracle.ts";
import { createPerceptron, lossOf } from "./perceptron.ts";

const OPTIONS: FitOptions = { size: 4, hidden: 8, seed: 3, updates: 1500, threshold: 0.9 };

/** A cell is final exactly when it and the cell before it are above a half. */
const EXAMPLES: readonly FilterExample[] = Array.from({ length: 400 }, (_, n) => {
  const confidences = [0, 1, 2, 3].map((cell) => uniform(9, n, cell, 0));
  return {
    run: n >> 3,
    confidences,
    isFinal: confidences.map((p, cell) => p > 0.5 && (confidences[cell - 1] ?? 1) > 0.5),
    isMasked: [true, true, true, false],
  };
});

test("a rule over neighbouring cells is learned, judged on other texts", () => {
  const { filter, report } = fitFilter(EXAMPLES, OPTIONS);
  expect(report.cells).toBe(3 * report.examples);
  expect(report.loss).toBeLessThan(0.25);
  expect(report.accepted).toBeGreaterThan(0.5 * report.final);
  expect(report.wrong).toBeLessThan(0.05 * report.accepted);
  const [first, second] = runFilter(filter, [0.95, 0.95, 0.1, 0.9]);
  expect(Math.min(first!, second!)).toBeGreaterThan(0.8);
  expect(runFilter(filter, [0.1, 0.95, 0.1, 0.9])[1]).toBeLessThan(0.2);
});

test("the same seed gives the same filter, another one another", () => {
  const quick = { ...OPTIONS, updates: 20 };
  expect(fitFilter(EXAMPLES, quick)).toEqual(fitFilter(EXAMPLES, quick));
  expect(fitFilter(EXAMPLES, { ...quick, seed: 4 }).filter).not.toEqual(fitFilter(EXAMPLES, quick).filter);
});

test("too few examples are refused", () => {
  expect(() => fitFilter(EXAMPLES.slice(0, 9), OPTIONS)).toThrow(
    expect.objectContaining({ code: "invalid-options" }),
  );
});

test("the gradient is that of the loss, and a cell that a short block lacks counts for nothing", () => {
  const net = createPerceptron(3, 2, 1);
  const table = {
    inputs: Float32Array.of(0.2, 0.9, 0.4, 0.8, 0.1, 0),
    targets: Float32Array.of(0, 1, 1, 1, 0, -1),
  };
  const rows = [0, 1];
  const gradient = new Float64Array(net.weights.length);
  lossOf(net, table, rows, gradient);
  const step = 1e-6;
  for (const i of net.weights.keys()) {
    const nudged = (by: number): number => {
      const weights = net.weights.slice();
      weights[i]! += by;
      return lossOf({ ...net, weights }, table, rows);
    };
    expect((nudged(step) - nudged(-step)) / (2 * step)).toBeCloseTo(gradient[i]!, 6);
  }
});
