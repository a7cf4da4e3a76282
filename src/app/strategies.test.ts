import { expect, test } from "vitest";
import { planGeneration } from "../engine/plan/plan.ts";
import { FACTS } from "../engine/run/scripted-model.ts";
import { PRESET_NAMES } from "../strategies/presets.ts";
import { STRATEGIES } from "./strategies.ts";

/** With a commit filter, as the embedded model has. */
const MODEL = {
  ...FACTS,
  filters: [{ variant: "q4", block: 32, hidden: 1, weights: "0000".repeat(97) }],
};

test.each(STRATEGIES.map(({ label, recipe }) => [label, recipe] as const))(
  "%s is a recipe that runs",
  (_label, recipe) => {
    expect(() => planGeneration({ recipe }, MODEL, { kind: "generate", promptCells: 4 })).not.toThrow();
  },
);

test("labels tell strategies apart", () => {
  expect(new Set(STRATEGIES.map(({ id }) => id)).size).toBe(STRATEGIES.length);
});

test("nearly every preset is on the page", () => {
  const shown = new Set(STRATEGIES.map(({ recipe }) => recipe["preset"]));
  const missing = PRESET_NAMES.filter((name) => !shown.has(name));
  expect(missing).toEqual([
    "maskgit",
    "dream-random",
    "dparallel",
    "guided",
    "quota-table",
    "rediff",
    "warm-start",
  ]);
});
