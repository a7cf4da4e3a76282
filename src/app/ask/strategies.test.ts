import { expect, test } from "vitest";
import { planGeneration } from "../../engine/plan/plan.ts";
import { FACTS } from "../../engine/run/scripted-model.ts";
import { takesRepeatGuard } from "../../strategies/pieces/no-repeat.ts";
import { PRESET_NAMES, PRESETS } from "../../strategies/recipe/presets.ts";
import { otherStrategies, strategyGroups, withRepeatGuard } from "./strategies.ts";

/** What the page lists. */
const LISTED = strategyGroups(otherStrategies(PRESETS)).flatMap(({ strategies }) => strategies);
/** Those that the page itself says a recipe for. */
const STRATEGIES = LISTED.flatMap(({ label, recipe }) => (recipe === null ? [] : [{ label, recipe }]));

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

test.each(STRATEGIES.map(({ label, recipe }) => [label, recipe] as const))(
  "%s runs with the guard against repeats where it takes one",
  (_label, recipe) => {
    const repeating = PRESET_NAMES.filter((name) => !takesRepeatGuard(PRESETS[name]!));
    const guarded = withRepeatGuard(recipe, repeating);
    expect("suppress" in guarded).toBe(!repeating.includes(String(recipe["preset"])));
    const run = { kind: "generate", promptCells: 4 } as const;
    expect(() => planGeneration({ recipe: guarded }, MODEL, run)).not.toThrow();
  },
);

test("ids and labels tell strategies apart", () => {
  expect(new Set(LISTED.map(({ id }) => id)).size).toBe(LISTED.length);
  expect(new Set(LISTED.map(({ label }) => label)).size).toBe(LISTED.length);
});

test("every preset is on the page but those that want a table or a draft", () => {
  const shown = new Set(STRATEGIES.map(({ recipe }) => recipe["preset"]));
  const missing = PRESET_NAMES.filter((name) => !shown.has(name));
  expect(missing).toEqual(["quota-table", "warm-start"]);
});

test("a preset that no group names is listed in the words of its title", () => {
  const presets = {
    llada: { title: "LLaDA: x" },
    new: { title: "New: rules: two" },
    bare: { title: "Bare" },
  };
  expect(otherStrategies(presets)).toEqual([
    { id: "new", label: "New", hint: "Rules: two.", recipe: { preset: "new" } },
    { id: "bare", label: "Bare", hint: "", recipe: { preset: "bare" } },
  ]);
  expect(strategyGroups(otherStrategies(presets)).at(-1)!.label).toBe("Others");
  expect(strategyGroups([]).map(({ label }) => label)).not.toContain("Others");
});

test("the first of them leaves the choice to the bundle", () => {
  expect(LISTED[0]!.recipe).toBeNull();
  expect(LISTED.length - STRATEGIES.length).toBe(1);
});
