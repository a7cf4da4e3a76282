import { expect, test } from "vitest";
import { CACHE_NAMES } from "../../cache/choice.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { PRESET_NAMES } from "../../strategies/recipe/presets.ts";
import { AXES, type Axis } from "../../strategies/testing/axes.ts";
import { accepting } from "../../strategies/testing/preset-scenes.ts";
import { FACTS, testModel } from "../run/scripted-model.ts";
import { planGeneration } from "./plan.ts";
import { filters, REGION, run } from "./scripted-run.ts";

/**
 * Pieces of a recipe together (strategies note, sections 1.4 and 5). What does not fit is refused: plan.test.ts, search.test.ts,
 * cache/compose.test.ts. Here is what fits.
 */

const CACHES = CACHE_NAMES.filter((name) => name !== "block");

test.each(CACHES)(
  "a doubted draft is rewritten over the cache %s: frozen blocks are refreshed",
  async (cache) => {
    const { done, masksLeft } = await run({ init: { draft: "hello there my dear", keep: 1 }, cache });
    expect(masksLeft).toBe(0);
    expect(done.tokens).toHaveLength(20);
  },
);

/** Everything but the presets that change the length and warm-start, which is about tokens in their cells. */
const BLENDING = PRESET_NAMES.filter((name) => name !== "daedal" && name !== "warm-start");

test.each(BLENDING)(
  "%s: a draft changes what the model reads of masks, and nothing of the decoder",
  async (preset) => {
    const model = { ...testModel(), manifest: { ...FACTS, filters, variant: "int8" } };
    const more = preset === "quota-table" ? { steps: [3, 2] } : {};
    const recipe = { preset, block: 4, ...more };
    const seen: ForwardRequest[] = [];
    const denoiser = {
      ...model.denoiser,
      forward: (request: ForwardRequest) => {
        seen.push(request);
        return model.denoiser.forward(request);
      },
    };
    const blended = await run({ ...recipe, init: { draft: "hello there", blend: 0.5 } }, 0, {
      ...model,
      denoiser,
    });
    // The oracle has no vectors to mix.
    const plain = await run(recipe, 0, model);
    expect(blended.done).toMatchObject({
      tokens: plain.done.tokens,
      nfe: plain.done.nfe,
      rows: plain.done.rows,
    });
    for (const { blend, canvases } of seen) {
      for (const [row, id] of blend!.ids.entries()) if (id >= 0) expect(canvases[0]![row]).toBe(63);
    }
  },
);

test.each(CACHES)("a blended draft goes with the cache %s and with guidance", async (cache) => {
  const init = { draft: "hello there my dear", blend: 0.5 };
  const { done, masksLeft } = await run({ init, cache, guidance: { cfg: 0.5 } });
  expect(masksLeft).toBe(0);
  expect(done.tokens).toEqual((await run({ cache, guidance: { cfg: 0.5 } })).done.tokens);
});

test("what a search imagines of a text is read as the text is", async () => {
  const seen: ForwardRequest[] = [];
  const model = testModel(0, seen);
  const search = { method: "svdd", n: 2, lookahead: true };
  const init = { draft: "hello there", blend: 0.5 };
  await run({ init, search, temperature: 1 }, 0, model);
  expect(seen.every(({ blend }) => blend !== undefined)).toBe(true);
});

test.each(CACHES)("the canvas is cut over the cache %s: moved rows are computed again", async (cache) => {
  const { done, masksLeft } = await run({ stop: { eos: true, eotp: { minConf: 0 } }, cache }, 120);
  expect(masksLeft).toBe(0);
  expect(done.tokens.length).toBeLessThan(20);
});

test.each(CACHES)(
  "an end behind the block cuts the canvas over the cache %s, looking for it is free",
  async (cache) => {
    const of = (eotp: unknown) =>
      run({ preset: "llada", length: 40, stop: { eos: true, eotp }, cache }, 60, testModel(60));
    const { done } = await of({ minConf: 0.3 });
    expect(done.tokens.length).toBeLessThan(40);
    // One token a step is committed whether the model is sure of it or not.
    const looked = await of({ minConf: 0.3, requireAccepted: true });
    expect(looked.done.tokens).toHaveLength(40);
    expect(looked.done.rows).toBe((await of(false)).done.rows);
  },
);

test.each([
  { method: "best-of", n: 2 },
  { method: "zero-order", n: 2, share: 1 },
  { method: "paths", every: 3, score: { distinct: 1 } },
  { method: "svdd", lookahead: true, score: { keywords: ["a"] } },
  { method: "vote", answer: "[a-z]+" },
])("every text of the search %j satisfies the constraint", async (search) => {
  const regex = "[a-z]+ [A-Z]{2,9}[a-f]*";
  const { done, masksLeft } = await run({ constraint: { regex }, temperature: 0.9, search }, 40);
  expect(masksLeft).toBe(0);
  for (const { text } of done.search!.candidates) expect(text).toMatch(new RegExp(`^(?:${regex})$`, "u"));
});

test("P11: a constraint that allows any text changes nothing", async () => {
  // Tokens that write nothing are no text, so no constraint allows them.
  const tokens = { ...FACTS.tokens, suppress: [57, 58, 59, 60, 61, 62] };
  const model = { ...testModel(), manifest: { ...FACTS, tokens } };
  const free = await run({ constraint: { regex: "[\\s\\S]*" } }, 0, model);
  expect(free.done.tokens).toEqual((await run({}, 0, model)).done.tokens);
});

test("guidance doubles the rows of a search, and its texts count as one forward each step", async () => {
  const search = { method: "svdd", n: 3 };
  const recipe = { preset: "llada", temperature: 1, guidance: { cfg: 1 }, search };
  const { done } = await run(recipe);
  // Guided logits are combined in place, so each draw is a forward of its own.
  expect(done).toMatchObject({ nfe: 60, rows: 60 * 2 * 26 });
});

test.each<[object, string]>([
  [{ preset: "block-dynamic", init: { draft: "hello" } }, "do not see what stands behind the block"],
  [{ preset: "block-dynamic", search: { method: "vote", answer: "a" } }, "block-dynamic leave some out"],
  [{ preset: "slowfast", search: { method: "vote", answer: "a" } }, "slowfast leave some out"],
  [{ init: { draft: "hello" }, remask: { entropyGuard: 1 } }, "does not fit a draft"],
  [{ init: { draft: "hello" }, lengthControl: { daedal: {} } }, "does not fit a length control"],
  [{ stop: { eotp: {} }, lengthControl: { daedal: {} } }, "does not fit a length control"],
])("%j is refused, naming both pieces", async (recipe, sentence) => {
  await expect(run(recipe)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
});

test.each(["block-dynamic", "slowfast"])(
  "%s is not asked about cells that it hides from the model, and may be cut inside its stretch",
  async (preset) => {
    for (const [seed, block] of [7, 11, 13, 20, 5, 9].entries()) {
      for (const eosRate of [0, 60, 150]) {
        for (const minConf of [0, 0.2, 0.5]) {
          const recipe = { preset, block, length: 20, temperature: 0.9, stop: { eotp: { minConf } } };
          const { masksLeft } = await run(recipe, eosRate, undefined, seed);
          expect(masksLeft).toBe(0);
        }
      }
    }
  },
);

test("the order of Dream's tokens is drawn where its algorithm has a temperature", async () => {
  const of = async (algTemp: number, seed: number) => {
    const steps = { preset: "maskgit", algTemp, block: 20, steps: 10 };
    return (await run(steps, 0, undefined, seed)).done.tokens;
  };
  expect(await of(0, 1)).toEqual(await of(0, 2));
  expect(await of(0.5, 1)).toEqual(await of(0.5, 1));
  expect(await of(0.5, 1)).not.toEqual(await of(0.5, 2));
});

const ASKED: Readonly<Record<Axis, object>> = {
  placed: { init: { draft: "hello" } },
  blended: { init: { draft: "hello", blend: 0.5 } },
  guard: { remask: { entropyGuard: 0.1 } },
  eotp: { stop: { eotp: {} } },
  growth: { lengthControl: { daedal: {} } },
  gaps: { lengthControl: { daedal: {} } },
};

test.each(AXES)("the properties of presets with pieces put on them cover what is accepted: %s", (axis) => {
  const gap = { start: 5, end: 13 };
  const infill = { kind: "infill", gapCells: 8, free: [gap], cells: 18 } as const;
  const accepted = PRESET_NAMES.filter((preset) => {
    const own = preset === "warm-start" ? { init: { draft: "hello" } } : {};
    try {
      const recipe = { preset, ...own, ...ASKED[axis] };
      planGeneration({ recipe }, { ...FACTS, filters }, axis === "gaps" ? infill : REGION);
      return true;
    } catch {
      return false;
    }
  });
  expect(accepting(axis)).toEqual(accepted);
});
