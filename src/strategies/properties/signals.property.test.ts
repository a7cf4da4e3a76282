import fc from "fast-check";
import { expect, test } from "vitest";
import type { RowStats } from "../../core/types.ts";
import type { Oracle } from "../oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";
import { PRESETS } from "../recipe/presets.ts";
import { withPoison } from "../testing/poison.ts";
import { run, sceneOf } from "../testing/preset-scenes.ts";

/** P17 and P20 of the strategies note, section 12: strategies depend on the statistics that they asked for, while these hold. */

test("P17: what a step answers depends on its own statistics and on nothing that was not asked for", () => {
  for (const name of Object.keys(PRESETS)) {
    fc.assert(
      fc.property(sceneOf([name]), (input) => {
        const whole = run(input, structuredClone(input.state)).events;
        let last: RowStats | undefined;
        const oracle: Oracle = {
          ...input.oracle,
          forward: (request) => {
            if (last !== undefined) poison(last);
            last = input.oracle.forward(request);
            return last;
          },
        };
        expect(run({ ...input, oracle }, structuredClone(input.state)).events).toEqual(whole);
      }),
      { numRuns: 15 },
    );
  }
});

test("P17: nothing is read that was not asked for", () => {
  for (const name of Object.keys(PRESETS)) {
    fc.assert(
      fc.property(sceneOf([name]), (input) => {
        const whole = run(input, structuredClone(input.state)).events;
        const oracle: Oracle = {
          ...input.oracle,
          forward: (request) => withPoison(input.oracle.forward(request)),
        };
        expect(run({ ...input, oracle }, structuredClone(input.state)).events).toEqual(whole);
      }),
      { numRuns: 10 },
    );
  }
});

test("P20: the best few tokens of each row tell a step as much as all of them", () => {
  for (const name of Object.keys(PRESETS)) {
    fc.assert(
      fc.property(sceneOf([name]), (input) => {
        const sparse = run(input, structuredClone(input.state));
        const oracle: Oracle = {
          ...input.oracle,
          forward: (request) => {
            const signals = { ...request.signals, topK: ORACLE_DEFAULTS.V };
            return withPoison(input.oracle.forward({ ...request, signals }));
          },
        };
        expect(run({ ...input, oracle }, structuredClone(input.state))).toEqual(sparse);
      }),
      { numRuns: 8 },
    );
  }
});

/** Statistics are the denoiser's: after its next forward they mean nothing. */
function poison(stats: RowStats): void {
  for (const value of Object.values(stats)) {
    if (value instanceof Float32Array || value instanceof Float64Array) value.fill(Number.NaN);
    else if (value instanceof Int32Array) value.fill(-7);
  }
  for (const draft of stats.drafts ?? []) poison(draft);
}
