import fc from "fast-check";
import { expect, test } from "vitest";
import { isUnmaskError } from "../../core/errors.ts";
import { parseRecipe } from "./recipe.ts";

function refusal(recipe: unknown): string {
  try {
    parseRecipe(recipe);
  } catch (error) {
    if (isUnmaskError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test("a complete recipe parses to itself", () => {
  const recipe = {
    preset: "fast-dllm",
    length: 64,
    block: 32,
    temperature: 0.5,
    topK: 4,
    topP: 0.9,
    threshold: 0.9,
    guidance: { cfg: 1 },
    cache: "none",
    stop: { eos: true },
  };
  expect(parseRecipe(recipe)).toEqual(recipe);
});

test.each([
  [{ temperature: -1 }, "temperature must be at least 0, got -1"],
  [{ temperature: Number.NaN }, "temperature must be"],
  [{ steps: 0 }, "steps must be at least 1, got 0"],
  [{ steps: 1.5 }, "steps must be a whole number, got 1.5"],
  [{ length: 1e9 }, "length must be at most 65536, got 1000000000"],
  [{ block: "8" }, 'block must be number, got "8"'],
  [{ threshold: 1.1 }, "threshold must be at most 1, got 1.1"],
  [{ guidance: { cfg: 99 } }, "guidance.cfg must be at most 20, got 99"],
  [{ stop: { eos: 1 } }, "stop.eos must be boolean, got 1"],
  [{ treshold: 1 }, 'no key "treshold". Did you mean "threshold"?'],
  [{ factor: -1 }, "factor must be at least 0, got -1"],
  [{ constraint: { regexp: "a" } }, "regexp"],
  [{ constraint: { regex: "a", literals: [{ at: 0, text: "b" }] } }, "only one of"],
  [{ cache: "duel" }, 'no cache "duel". Did you mean "dual"?'],
  [{ cache: { policy: "dual", refresh: -1 } }, "cache.refresh must be at least 0, got -1"],
  [{ cache: { policy: "dual", after: 1 } }, 'cache "dual" has no key "after"'],
  [{ cache: { policy: "vicinity", before: "a" } }, 'cache.before must be number, got "a"'],
  [{ cache: { policy: 7 } }, "cache must be a name or an object with a policy"],
  [{ stop: { eos: true, eotp: { minConf: 2 } } }, "stop.eotp.minConf must be at most 1, got 2"],
  [{ init: { draft: "" } }, "init.draft"],
  [{ init: { draft: "a", blend: 0 } }, "init.blend must be more than 0, got 0"],
  [{ init: { draft: "a", blend: -0.5 } }, "init.blend must be more than 0, got -0.5"],
  [{ init: { draft: "a", blend: 1.5 } }, "init.blend must be at most 1, got 1.5"],
  [{ init: { draft: "a", blend: Number.NaN } }, "init.blend must be number, got NaN"],
  [{ init: { draft: "a", blend: true } }, "init.blend must be number, got true"],
  [{ lengthControl: {} }, "lengthControl"],
  [{ lengthControl: { daedal: { factor: 1 } } }, "lengthControl"],
  [{ search: {} }, "search needs a method: best-of"],
  [{ search: { method: "bestof" } }, 'no search "bestof". Did you mean "best-of"?'],
  [{ search: { method: "best-of", n: 0 } }, "search.n must be at least 1, got 0"],
  [{ search: { method: "best-of", width: 2 } }, 'The search "best-of" has no key "width"'],
  [{ search: { method: "best-of", score: "quality" } }, "search.score is one of confidence"],
  [{ search: { method: "best-of", score: [{ regex: "a", keywords: ["b"] }] } }, "search.score is one of"],
  [{ search: { method: "vote" } }, "search.answer must be"],
  [[1], "a name or a JSON object"],
  [7, "a name or a JSON object"],
])("%j is refused", (recipe, sentence) => {
  expect(refusal(recipe)).toMatch(/^invalid-options: /);
  expect(refusal(recipe)).toContain(sentence);
});

test("anything at all is accepted or refused with a typed error", () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.anything()), (value) => {
      expect(refusal(value)).toMatch(/^(accepted|invalid-options: )/);
    }),
  );
});
