import { expect, test } from "vitest";
import { startState } from "../decode.ts";
import { buildStrategy, findPreset, PRESETS } from "../recipe/presets.ts";
import { masks, taken } from "../testing/play.ts";
import { HINTS } from "../testing/preset-scenes.ts";

/** Presets have the settings that their papers report (strategies note, sections 4.4 to 4.15). */

const SETTINGS = {
  ...{ length: 4, block: 4, steps: 4, table: [], temperature: 0, topK: 0, topP: 1 },
  ...{ threshold: 0.95, factor: 1, gamma: 0.1, guidance: { cfg: 0 } },
};

test.each([
  ["klass", { threshold: 0.6, block: 64 }],
  ["wino", { threshold: 0.6, block: 128 }],
  ["slowfast", { block: Number.MAX_SAFE_INTEGER }],
  ["llada2-edit", { threshold: 0.95 }],
])("%s", (name, defaults) => {
  expect(PRESETS[name]!.defaults).toEqual(defaults);
});

test("LLaDA2.1 commits above its threshold, and sees nothing behind the open block", () => {
  const { selector } = buildStrategy(findPreset("llada2-edit"), SETTINGS, HINTS);
  expect(taken(selector, [0.5, 0.96, 0.97, 0.3])).toEqual([1, 2]);
  const state = { ...startState(masks(8)), block: { start: 0, end: 4 } };
  expect(selector.visible!(state)).toBe(4);
});
