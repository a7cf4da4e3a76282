import { expect, test } from "vitest";
import { CACHE_NAMES } from "../../cache/choice.ts";
import type { GenerateEvent } from "../../core/events.ts";
import type { Job } from "../../core/job.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { storeFilter } from "../../model/commit-filter.ts";
import { PRESET_NAMES } from "../../strategies/presets.ts";
import { AXES, type Axis } from "../../strategies/testing/axes.ts";
import { accepting } from "../../strategies/testing/preset-scenes.ts";
import { foldTrace } from "../record/trace.ts";
import type { JobModel } from "../run/open-run.ts";
import { runJob } from "../run/run-job.ts";
import { FACTS, testModel } from "../run/scripted-model.ts";
import { planGeneration } from "./plan.ts";

/**
 * Pieces of a recipe together (strategies note, sections 1.4 and 5). What does not fit is refused: plan.test.ts, search.test.ts,
 * cache/compose.test.ts. Here is what fits.
 */

const REGION = { kind: "generate", promptCells: 5 } as const;
/** Filters that accept every cell. */
const filters = [4, 32].map((size) => {
  const zeros = new Array<number>(size).fill(0);
  return storeFilter(
    { size, w1: [zeros], b1: [0], w2: zeros.map(() => [0]), b2: zeros.map(() => 4) },
    "int8",
  );
});

type Done = Extract<GenerateEvent, { type: "done" }>;

async function run(
  recipe: object,
  eosRate = 0,
  model: JobModel = testModel(eosRate),
  seed = 0,
): Promise<{ done: Done; masksLeft: number }> {
  const options = {
    seed,
    recipe: { preset: "fast-dllm", length: 20, block: 5, stop: { eos: false }, ...recipe },
  };
  const job: Job = { kind: "generate", prompt: "hello", options };
  const events: GenerateEvent[] = [];
  // The oracle throws when a plan reads what is not stored.
  for await (const event of runJob(job, model, { stop: () => false })) events.push(event);
  return { done: events.at(-1) as Done, masksLeft: foldTrace(events).at(-1)!.masksLeft };
}

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

/** Presets that choose cells one step at a time, as they are: what they write may become longer. */
const GROWING = PRESET_NAMES.filter((name) => {
  try {
    const init = name === "warm-start" ? { init: { draft: "hello" } } : {};
    planGeneration(
      { recipe: { preset: name, lengthControl: { daedal: {} }, ...init } },
      { ...FACTS, filters },
      REGION,
    );
    return true;
  } catch (error) {
    // Each refusal says what does not fit.
    expect(error).toMatchObject({
      code: "invalid-options",
      message: expect.stringMatching(/does not fit|takes tokens back/),
    });
    return false;
  }
});

test("a length control fits decoders that plan nothing and take nothing back", () => {
  expect(GROWING).toEqual(
    expect.arrayContaining([
      "fast-dllm",
      "factor",
      "eb",
      "dparallel",
      "klass",
      "credit",
      "localleap",
      "hierarchy",
      "daedal",
      "guided",
    ]),
  );
  expect(GROWING).not.toContain("llada");
  expect(GROWING).not.toContain("wino");
});

test.each(GROWING)("%s fills a canvas that grows, within the room there is", async (preset) => {
  for (const eosRate of [0, 120]) {
    for (const block of [4, 32]) {
      const lengthControl = { daedal: { factor: 4, low: 0.6, window: 8 } };
      const recipe = { preset, length: 12, block, lengthControl, stop: { eos: true } };
      const { done, masksLeft } = await run(recipe, eosRate, {
        ...testModel(eosRate),
        manifest: { ...FACTS, filters },
      });
      expect(masksLeft).toBe(0);
      expect(done.tokens.length).toBeGreaterThan(12);
      expect(done.tokens.length).toBeLessThanOrEqual(FACTS.maxCanvas - 5);
    }
  }
});

test("the length control of daedal is daedal's own", async () => {
  const of = (more: object) => run({ preset: "daedal", ...more }, 60);
  expect((await of({ lengthControl: { daedal: {} } })).done.tokens).toEqual((await of({})).done.tokens);
});

test.each<[object, string]>([
  [{ preset: "daedal", lengthControl: "fixed" }, "never fixed"],
  [{ preset: "eb", lengthControl: { daedal: {} }, constraint: { regex: "a+" } }, "counts on its cells"],
  [{ preset: "eb", lengthControl: { daedal: {} }, stop: { eotp: {} } }, "length"],
  [{ preset: "eb", lengthControl: { daedal: {} }, init: { draft: "x" } }, "length"],
  [{ preset: "eb", lengthControl: { daedal: {} }, cache: "dual" }, "looks at"],
  [{ preset: "llada", lengthControl: { daedal: {} } }, "plans its steps"],
  [{ preset: "first-hitting", lengthControl: { daedal: {} } }, "plans its steps"],
])("%j is refused", async (recipe, sentence) => {
  await expect(run(recipe)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
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

test("a recipe may leave ends of the text out, or for last", async () => {
  const { eos, pad } = FACTS.tokens;
  const ends = [...eos, pad];
  const of = async (preset: string, predict?: string) => {
    const stop = { eos: false, ...(predict === undefined ? {} : { predict }) };
    return (await run({ preset, stop }, 150)).done.tokens;
  };
  for (const preset of ["llada", "fast-dllm", "credit", "mdlm"]) {
    expect((await of(preset)).some((id) => ends.includes(id))).toBe(true);
    expect((await of(preset, "never")).some((id) => ends.includes(id))).toBe(false);
  }
  expect(await of("llada", "last")).not.toEqual(await of("llada"));
  const { recipe } = planGeneration({ recipe: { stop: { predict: "last" } } }, FACTS, REGION);
  expect(recipe.stop).toMatchObject({ predict: "last" });
  expect(planGeneration({ recipe }, FACTS, REGION).recipe).toEqual(recipe);
});

test.each<[object, string]>([
  [{ preset: "daedal", stop: { predict: "never" } }, "length control"],
  [{ stop: { predict: "never", eotp: {} } }, "end-of-text prediction"],
  [{ preset: "freedave", stop: { predict: "last" } }, "do not fit freedave"],
])("%j is refused for what it says of ends", async (recipe, sentence) => {
  await expect(run(recipe)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
});

test("the order of Dream's tokens is drawn where its algorithm has a temperature", async () => {
  const of = async (algTemp: number, seed: number) => {
    const steps = { preset: "maskgit", algTemp, block: 20, steps: 10 };
    return (await run(steps, 0, undefined, seed)).done.tokens;
  };
  expect(await of(0, 1)).toEqual(await of(0, 2));
  expect(await of(0.5, 1)).toEqual(await of(0.5, 1));
  expect(await of(0.5, 1)).not.toEqual(await of(0.5, 2));
});

test("a resolved recipe keeps its length control", () => {
  const lengthControl = { daedal: { factor: 4 } };
  const { recipe } = planGeneration({ recipe: { preset: "eb", lengthControl } }, FACTS, REGION);
  expect(recipe).toMatchObject({ lengthControl, length: 64 });
  expect(planGeneration({ recipe }, FACTS, REGION).recipe).toEqual(recipe);
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

/** A model whose first guess is that no text ends within any canvas. */
const GREEDY_GROWTH = { preset: "daedal", lengthControl: { daedal: { low: 0.9, factor: 8 } } };

test.each([{ preset: "daedal" }, GREEDY_GROWTH, { preset: "eb", lengthControl: { daedal: { low: 0.9 } } }])(
  "%j writes no more than the caller or the recipe allows",
  async (recipe) => {
    const of = async (options: object, more: object = {}) => {
      const job: Job = {
        kind: "generate",
        prompt: "hello",
        options: { recipe: { ...recipe, stop: { eos: false }, ...more }, ...options },
      };
      const events: GenerateEvent[] = [];
      for await (const event of runJob(job, testModel(), { stop: () => false })) events.push(event);
      return events;
    };
    const cells = (events: readonly GenerateEvent[]) => (events.at(-1) as Done).tokens.length;
    // The prompt has a token at its beginning.
    expect(cells(await of({}))).toBe(FACTS.maxCanvas - 6);
    expect(cells(await of({ maxNewTokens: 16 }))).toBe(16);
    expect(cells(await of({ maxNewTokens: 80 }))).toBe(80);
    const maxLength = 70;
    const control = { ...("lengthControl" in recipe ? recipe.lengthControl.daedal : {}), maxLength };
    expect(cells(await of({ maxNewTokens: 80 }, { lengthControl: { daedal: control } }))).toBe(maxLength);
    await expect(of({ maxNewTokens: 92 })).rejects.toMatchObject({ code: "prompt-too-long" });
  },
);

test("a canvas begins with its length, not with what is allowed, and its resolved recipe keeps the cap", () => {
  const options = { recipe: { preset: "daedal" }, maxNewTokens: 80 };
  const { recipe } = planGeneration(options, FACTS, REGION);
  expect(recipe).toMatchObject({ length: 64, lengthControl: { daedal: { maxLength: 80 } } });
  expect(planGeneration({ recipe }, FACTS, REGION).recipe).toEqual(recipe);
  expect(planGeneration({ recipe: "daedal" }, FACTS, REGION).recipe.lengthControl).toBeUndefined();
  const small = planGeneration({ recipe: "daedal", maxNewTokens: 16 }, FACTS, REGION).recipe;
  expect(small).toMatchObject({ length: 16, lengthControl: { daedal: { maxLength: 16 } } });
});

test("a canvas that is full is not cut at its end to make room for doubtful masks", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const model = testModel();
    const job: Job = {
      kind: "generate",
      prompt: "hello",
      options: { seed, temperature: 1, maxNewTokens: 30, recipe: { ...GREEDY_GROWTH, length: 20 } },
    };
    for await (const event of runJob(job, model, { stop: () => false })) {
      if (event.type === "step") expect(event.deletes).toEqual([]);
    }
  }
});

test.each<[object, string]>([
  [{ attention: { kind: "block-causal", block: 8, align: "absolute" } }, "are fixed"],
  [{ tokens: { mask: 63, eos: [], pad: 61 } }, "no end-of-text token"],
])("daedal and its length control are refused alike on a model with %j", (facts) => {
  const model = { ...FACTS, ...facts };
  for (const recipe of ["daedal", { preset: "eb", lengthControl: { daedal: {} } }]) {
    expect(() => planGeneration({ recipe }, model, REGION)).toThrow(
      expect.objectContaining({ code: "invalid-options" }),
    );
  }
});

test("the unconditional branch sees the tokens that a recipe keeps, whatever else guides", async () => {
  const branch = async (guidance: object): Promise<Set<number>> => {
    const seen: ForwardRequest[] = [];
    await run({ preset: "llada", guidance }, 0, testModel(0, seen));
    const second = seen.find(({ canvases }) => canvases.length === 2)!.canvases[1]!;
    return new Set(second.subarray(0, 6));
  };
  const { mask } = FACTS.tokens;
  for (const kind of [{}, { adaptive: {} }, { residual: {} }]) {
    expect(await branch({ cfg: 1, ...kind })).toEqual(new Set([mask]));
    // The mode's token for the beginning.
    expect(await branch({ cfg: 1, keep: [60], ...kind })).toEqual(new Set([60, mask]));
  }
});

test("tokens may be left out, or for last, by their ids", async () => {
  const free = (await run({ preset: "llada" })).done.tokens;
  const common = free[0]!;
  const never = (await run({ preset: "llada", suppress: { never: [common] } })).done.tokens;
  expect(free).toContain(common);
  expect(never).not.toContain(common);
  const { eos, pad } = FACTS.tokens;
  const last = { preset: "llada", suppress: { last: [...eos, pad!] } };
  const ends = { preset: "llada", stop: { eos: false, predict: "last" } };
  expect((await run(last, 150)).done.tokens).toEqual((await run(ends, 150)).done.tokens);
  const { recipe } = planGeneration({ recipe: { ...last, guidance: { cfg: 1, keep: [60] } } }, FACTS, REGION);
  expect(recipe).toMatchObject({ suppress: last.suppress, guidance: { cfg: 1, keep: [60] } });
  expect(planGeneration({ recipe }, FACTS, REGION).recipe).toEqual(recipe);
});

test("a run of tokens is not written twice where the recipe says so, and its resolved recipe keeps that", async () => {
  const twice = (tokens: readonly number[]): number => {
    const pairs = tokens.slice(1).map((id, i) => `${tokens[i]} ${id}`);
    return pairs.length - new Set(pairs).size;
  };
  // A vocabulary so small that a text repeats itself.
  const never = Array.from({ length: FACTS.vocab }, (_, id) => id).filter((id) => id > 12);
  const texts = async (more: object) => {
    const counts = [];
    for (let seed = 0; seed < 5; seed++) {
      const recipe = { preset: "fast-dllm", threshold: 0.2, temperature: 1, suppress: { never, ...more } };
      counts.push(twice((await run(recipe, 0, testModel(), seed)).done.tokens));
    }
    return counts.reduce((sum, count) => sum + count, 0);
  };
  expect(await texts({})).toBeGreaterThan(0);
  expect(await texts({ repeats: 2 })).toBe(0);
  const asked = { preset: "llada", no_repeat_ngram_size: 3 };
  const { recipe: resolved } = planGeneration({ recipe: asked }, FACTS, REGION);
  expect(resolved).toMatchObject({ suppress: { repeats: 3 } });
  expect(planGeneration({ recipe: resolved }, FACTS, REGION).recipe).toEqual(resolved);
});

test.each<[object, string]>([
  [{ preset: "wino", suppress: { repeats: 4 } }, "do not fit wino"],
  [{ preset: "prophet", suppress: { repeats: 4 } }, "do not fit prophet"],
  [{ constraint: { regex: "a+" }, suppress: { repeats: 4 } }, "may ask for a run"],
  [{ guidance: { cfg: 1, keep: [64] } }, "below 64"],
  [{ suppress: { never: [64] } }, "below 64"],
  [{ guidance: { cfg: 1, keep: [1], weak: {} } }, "nothing to keep"],
  [{ preset: "freedave", suppress: { last: [1] } }, "do not fit freedave"],
])("%j is refused for the tokens that it names", async (recipe, sentence) => {
  await expect(run(recipe)).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
});
