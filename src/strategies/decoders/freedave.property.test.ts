import fc from "fast-check";
import { expect, test } from "vitest";
import type { Settings } from "../recipe/preset.ts";
import { buildStrategy, PRESETS } from "../recipe/presets.ts";
import { masks, play, says } from "../testing/play.ts";
import { HINTS, run, sceneOf } from "../testing/preset-scenes.ts";
import { freeDave } from "./freedave.ts";

test("P14: speculation writes what one token a step writes, in no more forwards", () => {
  fc.assert(
    fc.property(sceneOf(["freedave"]), (input) => {
      const { length } = input.settings;
      const oneByOne = { threshold: 1, temperature: 0, steps: length, guidance: { cfg: 0 } };
      const settings: Settings = { ...input.settings, ...oneByOne };
      const runOf = (name: string) => {
        const state = structuredClone(input.state);
        run({ ...input, strategy: buildStrategy(PRESETS[name]!, settings, HINTS) }, state);
        return state;
      };
      const [plain, fast] = [runOf("llada"), runOf("freedave")];
      expect(fast.canvas.ids).toEqual(plain.canvas.ids);
      expect(fast.nfe).toBeLessThanOrEqual(plain.nfe);
    }),
    { numRuns: 60 },
  );
});

test("a threshold of 1 lets nothing pass, however sure the model is", () => {
  const counts = (threshold: number): number[] =>
    play({
      canvas: masks(4),
      steps: 4,
      pieces: freeDave({ drafts: 1, threshold }),
      says: ({ row }) => says(1, row),
    }).events.map(({ commits }) => commits.length);
  expect(counts(1)).toEqual([1, 1, 1, 1]);
  expect(counts(0.99)).toEqual([4]);
});
