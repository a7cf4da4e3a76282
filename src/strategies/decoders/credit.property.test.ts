import fc from "fast-check";
import { expect, test } from "vitest";
import { creditSampler } from "../decoders/credit.ts";
import { oracleLogits } from "../oracle/oracle-logits.ts";
import { thresholdSelector } from "../pieces/selector.ts";
import type { Reviser } from "../strategy.ts";
import { masks, play, says } from "../testing/play.ts";
import { MASK, plain, run, scene } from "../testing/scenes.ts";

test("P20: sparse credit is the dense one", () => {
  const [alpha, gamma, decay] = [0.7, 0.2, 0.8];
  fc.assert(
    fc.property(scene, (input) => {
      const { V } = input.oracle;
      const cells = input.canvas.kinds.filter((kind) => kind === 1).length;
      const sparse = creditSampler({ alpha, gamma, decay });
      const dense = new Map<number, Float64Array>();
      let checked = 0;
      const sampler: typeof sparse = {
        ...sparse,
        draw: (stats, rows, at, state) => {
          const made = sparse.draw(stats, rows, at, state);
          for (const [i, row] of rows.entries()) {
            const logits = new Float32Array(V);
            oracleLogits(input.seed, state.canvas.ids, row, input.oracle, logits);
            logits[MASK] = Number.NEGATIVE_INFINITY;
            const credit = dense.get(row) ?? new Float64Array(V);
            dense.set(row, credit);
            const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
            const best = logits.indexOf(Math.max(...logits));
            for (let id = 0; id < V; id++) credit[id]! *= decay;
            credit[best]! += (Math.exp(logits[best]!) / total) ** gamma;
            const raised = Array.from(logits, (logit, id) => Math.exp(logit) * (1 + credit[id]!) ** alpha);
            const sum = raised.reduce((all, value) => all + value, 0);
            expect(made.probabilities[i]!).toBeCloseTo(Math.max(...raised) / sum, 6);
            expect(made.ids[i]).toBe(raised.indexOf(Math.max(...raised)));
            checked++;
          }
          return made;
        },
      };
      // One block: credits begin anew with each.
      run(input, plain({ selector: thresholdSelector(0.8), sampler }, cells));
      expect(checked).toBeGreaterThan(0);
    }),
    { numRuns: 30 },
  );
});

test("a cell that is taken back begins without credit", () => {
  const pieces = (reviser?: Reviser) => ({
    selector: thresholdSelector(0.95),
    sampler: creditSampler({ alpha: 0.7, gamma: 0.2, decay: 0.8 }),
    ...(reviser === undefined ? {} : { reviser }),
  });
  // Cell 0 is written in step 0 and taken back in step 1; then the model doubts it.
  const reviser: Reviser = {
    revise: ({ state }) => ({ remasks: state.step === 1 ? [0] : [], overwrites: [] }),
  };
  const { state } = play({
    canvas: masks(4),
    steps: 3,
    pieces: pieces(reviser),
    says: ({ row, step }) => says(row === 0 ? (step === 0 ? 0.9 : 0.3) : 0.5, row),
  });
  const fresh = play({ canvas: masks(1), steps: 1, pieces: pieces(), says: () => says(0.3, 0) });
  const creditOf = (memory: typeof state.memory) =>
    (memory["credit"] as { bySlot: Map<number, Map<number, number>> }).bySlot.get(0)!.get(0);
  expect(creditOf(state.memory)).toBe(creditOf(fresh.state.memory));
});
