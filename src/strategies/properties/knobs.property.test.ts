import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StepEvent } from "../decode.ts";
import { buildStrategy, PRESETS } from "../recipe/presets.ts";
import { continued, HINTS, run, scene, settingsOf } from "../testing/scenes.ts";

/** P10 of the strategies note, section 12: bolder settings commit more, from the same statistics. */

/** Rows that the first step with a choice commits. */
function firstChoice(events: readonly StepEvent[]): number[] {
  const chosen = events.map(({ commits }) => commits.filter(({ reason }) => reason !== "fill"));
  return (chosen.find((commits) => commits.length > 0) ?? []).map(({ row }) => row);
}

describe.each(
  Object.keys(PRESETS).flatMap((name) =>
    (["threshold", "factor", "gamma"] as const)
      .filter((knob) => PRESETS[name]!.keys.includes(knob))
      .map((knob) => [name, knob] as const),
  ),
)("P10: %s", (name, knob) => {
  test(`a bolder ${knob} commits all that a more careful one does, from the same statistics`, () => {
    const value = fc.double({ min: 0, max: knob === "threshold" ? 1 : 3, noNaN: true });
    fc.assert(
      fc.property(scene, value, value, (any, a, b) => {
        const input = PRESETS[name]!.continuationOnly === true ? continued(any) : any;
        const rows = (setting: number): number[] =>
          firstChoice(
            run(input, buildStrategy(PRESETS[name]!, settingsOf(input, { [knob]: setting }), HINTS)),
          );
        const [low, high] = [rows(Math.min(a, b)), rows(Math.max(a, b))];
        const [bold, careful] = knob === "threshold" ? [low, high] : [high, low];
        expect(careful.length).toBeGreaterThan(0);
        expect(careful.filter((row) => !bold.includes(row))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});
