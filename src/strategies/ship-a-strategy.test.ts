import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { otherStrategies, strategyGroups } from "../app/ask/strategies.ts";
import { recipeSchema, recipeText } from "../cli/help/help-recipe.ts";
import { planGeneration } from "../engine/plan/plan.ts";
import { FACTS } from "../engine/run/scripted-model.ts";
import { countMasks } from "./canvas.ts";
import { PRESET_NAMES, PRESETS } from "./recipe/presets.ts";
import { check } from "./testing/preset-scenes.ts";

/** The example of docs/write-a-strategy.md, shipped as it says: one file, and one line of presets.ts with its import. */
vi.mock("./recipe/presets.ts", async () => {
  const here = fileURLToPath(new URL(".", import.meta.url));
  const doc = readFileSync(join(here, "../../docs/write-a-strategy.md"), "utf8");
  const decoder = /\/\*\* Every cell.*?(?=\/\/ Try it)/s.exec(doc)![0];
  const line = /```text\n(.*?)```/s.exec(doc)![1]!;
  const folder = mkdtempSync(join(tmpdir(), "unmask-ship-"));
  const [file, list] = [join(folder, "spaced.ts"), join(folder, "presets.ts")];
  const imported = (name: string, path: string): string => `import { ${name} } from ${JSON.stringify(path)};`;
  writeFileSync(file, `${imported("rank", join(here, "pieces/selector.ts"))}\n${decoder}`);
  const presets = readFileSync(join(here, "recipe/presets.ts"), "utf8")
    .replace(
      /from "(\.\.?\/.*?)"/g,
      (_from, path: string) => `from ${JSON.stringify(join(here, "recipe", path))}`,
    )
    .replace(/^};$/m, `  ${line}};`);
  writeFileSync(list, `${imported("spacedPreset", file)}\n${presets}`);
  try {
    return (await import(/* @vite-ignore */ list)) as object;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const plan = (recipe: object) =>
  planGeneration({ recipe }, FACTS, { kind: "generate", promptCells: 4 }).recipe;

test("it is in the list, behind the presets there were", () => {
  expect(PRESET_NAMES.at(-1)).toBe("spaced");
  expect(PRESET_NAMES.length).toBeGreaterThan(30);
});

test("the command line knows it", () => {
  const { preset } = recipeSchema()["properties"] as {
    readonly preset: { readonly examples: readonly string[] };
  };
  expect(preset.examples).toContain("spaced");
  expect(recipeText()).toContain(
    "spaced         Spaced: confident tokens that are not neighbours (threshold)",
  );
});

test("the page's list has it, in the words of its title", () => {
  expect(strategyGroups(otherStrategies(PRESETS)).at(-1)!.strategies).toContainEqual({
    id: "spaced",
    label: "Spaced",
    hint: "Confident tokens that are not neighbours.",
    recipe: { preset: "spaced" },
  });
});

test.each([
  { threshold: 0.7 },
  { cache: "dual" },
  { constraint: { regex: "[a-z]*" } },
  { temperature: 1, search: { method: "svdd" } },
])("a recipe may give it %j", (more) => {
  expect(plan({ preset: "spaced", ...more })).toMatchObject({ preset: "spaced", ...more });
});

test("the property tests run it without being told", () => {
  const seen = new Set<string>();
  check(({ name }) => seen.add(name), undefined, 1);
  expect([...seen]).toEqual(PRESET_NAMES);
  check(
    (_scene, { canvas }, _events, verdict) => {
      expect(["complete", "eos"]).toContain(verdict);
      expect(countMasks(canvas)).toBe(0);
    },
    ["spaced"],
  );
});
