import { expect, test } from "vitest";
import type { GenerateEvent } from "../../core/events.ts";
import type { Job } from "../../core/job.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { planGeneration } from "../plan/plan.ts";
import { foldTrace, parseTrace } from "../record/trace.ts";
import { type RunControl, runJob } from "./run-job.ts";
import { FACTS, testModel } from "./scripted-model.ts";

type Done = Extract<GenerateEvent, { type: "done" }>;

const CONTROL: RunControl = { stop: () => false };

async function collect(
  job: Job,
  control: RunControl = CONTROL,
  model = testModel(),
): Promise<{ events: GenerateEvent[]; done: Done }> {
  const events: GenerateEvent[] = [];
  for await (const event of runJob(job, model, control)) events.push(event);
  return { events, done: events.at(-1) as Done }; // the last event is always done
}

const generate = (recipe: object, seed = 1): Job => ({
  kind: "generate",
  prompt: "hello",
  options: { recipe: { preset: "llada", length: 12, temperature: 1, stop: { eos: false }, ...recipe }, seed },
});

test("best of N reports every text with its score and ends with the best", async () => {
  const search = { method: "best-of", n: 4, score: { keywords: ["a", "b", "c", "d"] } };
  const { events, done } = await collect(generate({ search }));
  const { candidates, best, method } = done.search!;
  expect(method).toBe("best-of");
  expect(candidates).toHaveLength(4);
  expect(candidates[0]!.seed).toBe(1);
  expect(Math.max(...candidates.map(({ score }) => score))).toBe(candidates[best]!.score);
  for (const { text, score } of candidates) {
    const found = ["a", "b", "c", "d"].filter((word) => text.toLowerCase().includes(word));
    expect(score).toBe(found.length / 4);
  }
  expect(done.text).toBe(candidates[best]!.text);
  expect(done.nfe).toBe(48);
  expect(foldTrace(events).at(-1)!.ids.slice(6)).toEqual(done.tokens);
  const seen = new Set(events.flatMap((event) => (event.type === "forward" ? [event.candidate] : [])));
  expect([...seen]).toEqual([0, 1, 2, 3]);
});

test("forwards of a run add up to its rows, drafts and repeated draws included", async () => {
  const rows = async (recipe: object): Promise<readonly [number, number]> => {
    const { events, done } = await collect(generate(recipe));
    const told = events.reduce((sum, event) => sum + (event.type === "forward" ? event.rows : 0), 0);
    return [told, done.rows];
  };
  for (const recipe of [
    { search: { method: "svdd", score: { distinct: 1 } } },
    { preset: "wino" },
    { guidance: { cfg: 1 } },
  ]) {
    const [told, counted] = await rows(recipe);
    expect(told).toBe(counted);
  }
});

test("a trace of a search is a valid trace and keeps the report", async () => {
  const search = { method: "zero-order", n: 2, rounds: 2, score: ["likelihood", { length: 9, weight: 0.5 }] };
  const { events, done } = await collect(
    generate({ search, length: 9, stop: { eos: true } }),
    CONTROL,
    testModel(40),
  );
  const [start] = events;
  const recipe = start?.type === "start" ? start.recipe : undefined;
  const trace = { schema: 1, model: "test", recipe, seed: 1, prompt: { text: "hello", ids: [] }, events };
  const read = parseTrace(JSON.parse(JSON.stringify(trace)));
  expect(read.events.at(-1)).toMatchObject({ search: done.search });
  expect(foldTrace(read.events).at(-1)!.ids.slice(6)).toEqual(done.tokens);
  expect(planGeneration({ recipe }, FACTS, { kind: "generate", promptCells: 6 }).recipe).toEqual(recipe);
});

test("the caller's function scores texts, unfinished ones with holes", async () => {
  const asked: string[] = [];
  const score: RunControl["score"] = async (candidates) => {
    for (const { text, masksLeft } of candidates) asked.push(`${masksLeft}:${text}`);
    return candidates.map(({ tokens }) => tokens.filter((id) => id % 2 === 0).length);
  };
  const search = { method: "svdd", n: 8 };
  const { done } = await collect(generate({ search }), { ...CONTROL, score });
  expect(asked).toHaveLength(96);
  expect(asked[0]).toMatch(/^11:/);
  expect(asked[0]).toContain("…");
  expect(asked.at(-1)).toMatch(/^0:[^…]*$/);
  expect(done.nfe).toBe(12);
  expect(done.search!.candidates).toEqual([
    { seed: expect.any(Number), score: expect.any(Number), text: done.text, tokens: done.tokens },
  ]);
  const plain = await collect(generate({}));
  const even = ({ tokens }: Done): number => tokens.filter((id) => id % 2 === 0).length;
  expect(even(done)).toBeGreaterThan(even(plain.done));
});

test("an infill is searched as a whole", async () => {
  const options = {
    recipe: {
      preset: "llada",
      temperature: 1,
      search: { method: "paths", every: 2, score: { regex: "[a-m]{2}" } },
    },
  };
  const { done } = await collect({ kind: "infill", text: "one [[4]] two [[?]].", options });
  expect(done.filled).toHaveLength(2);
  expect(done.search!.candidates[done.search!.best]!.text).toBe(done.text);
  expect(done.text).toMatch(/^one .* two .*\.$/);
});

test("a constraint as a reward counts what can still be met", async () => {
  const constraint = { regex: "[a-zA-Z .,!?]*[aeiou]" };
  const search = { method: "svdd", n: 16, score: { constraint } };
  const { done } = await collect(generate({ search, length: 6 }));
  expect(done.search!.candidates[0]!.score).toBe(1);
  expect(done.text).toMatch(/[aeiou]$/);
});

test("a vote reads the answer at every step and reports the heaviest first", async () => {
  const search = { method: "vote", answer: "[a-z]", weights: "linear" };
  const { done, events } = await collect(generate({ search, temperature: 0 }));
  const { votes, candidates } = done.search!;
  expect(votes!.length).toBeGreaterThan(0);
  const weights = votes!.map(({ weight }) => weight);
  expect(weights).toEqual(weights.toSorted((a, b) => b - a));
  expect(votes!.reduce((sum, { steps }) => sum + steps, 0)).toBeLessThanOrEqual(done.steps);
  expect(candidates).toHaveLength(1);
  const plain = await collect(generate({ temperature: 0 }));
  expect(done.tokens).toEqual(plain.done.tokens);
  expect(events.filter(({ type }) => type === "forward")).toHaveLength(12);
});

test("a stop ends a search before its next forward, with the canvas as it is shown", async () => {
  let forwards = 0;
  const stop = (): boolean => forwards++ >= 15;
  const search = { method: "best-of", n: 4 };
  const { events, done } = await collect(generate({ search }), { stop });
  expect(done).toMatchObject({ reason: "aborted", nfe: 15 });
  expect(done.search).toBeUndefined();
  expect(
    foldTrace(events)
      .at(-1)!
      .ids.slice(6)
      .filter((id) => id !== 63),
  ).toEqual(done.tokens);
});

test("a stop while a score is awaited ends the search too", async () => {
  let stopped = false;
  const score = async (): Promise<readonly number[]> => {
    stopped = true;
    throw new Error("left");
  };
  const job = generate({ search: { method: "best-of", n: 2 } });
  expect((await collect(job, { stop: () => stopped, score })).done.reason).toBe("aborted");
});

test.each<[string, RunControl["score"]]>([
  ["The score function failed: no idea", () => Promise.reject(new Error("no idea"))],
  ["A score is a finite number, got NaN", async () => [Number.NaN]],
  ["A score is a finite number", async () => []],
])("%s", async (message, score) => {
  const job = generate({ search: { method: "best-of", n: 2 } });
  await expect(collect(job, { ...CONTROL, score: score! })).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(message),
  });
});

const scored = { search: { method: "best-of", n: 2 } };
test.each<[object, string, boolean?]>([
  [{ ...scored, temperature: 0 }, "at temperature 0 they are all the same"],
  [{ ...scored, preset: "credit", temperature: 0 }, "credit always writes the same one"],
  [{ search: { method: "paths" }, cache: "dual" }, "a cache keeps the numbers of one; use none"],
  [{ search: { method: "svdd" }, preset: "klass" }, "klass compares each step with the one before"],
  [{ search: { method: "svdd" }, guidance: { cfg: 1, residual: {} } }, "keeps the logits of one"],
  [{ search: { method: "zero-order" }, preset: "daedal" }, "daedal changes the length"],
  [
    { search: { method: "zero-order" }, preset: "fast-dllm", init: { draft: "abc" } },
    "starts from a text of its own",
  ],
  [{ search: { method: "vote", answer: "a" }, cache: "dual" }, "which this recipe looks at"],
  [{ search: { method: "vote", answer: "a(" } }, "position"],
  [{ search: { method: "best-of", score: { regex: "(" } } }, "position"],
  [{ search: { method: "best-of", score: { constraint: { regexp: "a" } } } }, "search.score is one of"],
  [{ search: { method: "best-of", score: "custom" } }, "is a JavaScript function"],
  [{ search: { method: "best-of", score: "confidence" } }, "would never be asked", true],
  [{}, "A score function is for a search", true],
])("%j is refused: %s", async (recipe, sentence, hasScore = false) => {
  const seen: ForwardRequest[] = [];
  const control = hasScore ? { ...CONTROL, score: async () => [0] } : CONTROL;
  await expect(collect(generate(recipe), control, testModel(0, seen))).rejects.toMatchObject({
    code: "invalid-options",
    message: expect.stringContaining(sentence),
  });
  expect(seen).toEqual([]);
});

test("what differs without a temperature may be searched without one", async () => {
  const random = await collect(generate({ preset: "llada-random", temperature: 0, ...scored }));
  expect(new Set(random.done.search!.candidates.map(({ text }) => text)).size).toBe(2);
  const zero = { method: "zero-order", n: 3, rounds: 1 };
  const { done } = await collect(generate({ temperature: 0, search: zero }));
  expect(done.search!.candidates).toHaveLength(4);
  const cached = await collect(generate({ cache: "dual", ...scored }));
  expect(cached.done.search!.candidates).toHaveLength(2);
});

test("zero-order takes end-of-text prediction: a neighbour is as long as the text it comes from, or is cut once more", async () => {
  const search = { method: "zero-order", n: 3, rounds: 2, share: 1, score: "likelihood" };
  const stop = { eos: true, eotp: { minConf: 0.05 } };
  let shorter = 0;
  for (let seed = 0; seed < 8; seed++) {
    const { events, done } = await collect(
      generate({ search, stop, length: 24, block: 4 }, seed),
      CONTROL,
      testModel(60),
    );
    const lengths = done.search!.candidates.map(({ tokens }) => tokens.length);
    expect(lengths[0]).toBeLessThan(24);
    expect(Math.max(...lengths)).toBe(lengths[0]);
    shorter += lengths.filter((length) => length < lengths[0]!).length;
    expect(foldTrace(events).at(-1)!.ids.slice(6)).toEqual(done.tokens);
  }
  expect(shorter).toBeGreaterThan(0);
});

/** The scripted model with a graph that computes several canvases in a run; `rounds` counts requests by call. */
function batchModel(rounds: number[], batchRows = 1000): ReturnType<typeof testModel> {
  const model = testModel();
  const { forward } = model.denoiser;
  return {
    ...model,
    denoiser: {
      ...model.denoiser,
      batchRows,
      forwardAll: async (requests) => {
        rounds.push(requests.length);
        const answers = await Promise.all(requests.map(forward));
        const batch = { canvases: requests.length, runs: 1 };
        return answers.map((stats, i) => (i > 0 ? stats : { ...stats, time: SPENT, batch }));
      },
    },
  };
}
const SPENT = { upload: 1, run: 2, readback: 3 };

test.each([
  { method: "best-of", n: 3, score: ["likelihood", { keywords: ["a", "b"] }] },
  { method: "best-of", n: 7 },
  { method: "zero-order", n: 3, rounds: 2 },
])("texts written side by side are those written one after the other: %j", async (search) => {
  for (const recipe of [
    { search },
    { search, cache: "dual", block: 4 },
    { search, guidance: { cfg: 1 } },
    { search, preset: "wino" },
    { search, constraint: { regex: "([a-m]|[A-Z ]{2})*" } },
    ...(search.method === "best-of" ? [{ search, init: { draft: "abcdefgh" } }] : []),
  ]) {
    const rounds: number[] = [];
    const alone = await collect(generate(recipe));
    const together = await collect(generate(recipe), CONTROL, batchModel(rounds));
    expect(together.done).toEqual(alone.done);
    const steps = (events: GenerateEvent[]) =>
      events.flatMap((event) => (event.type === "step" ? [{ ...event, nfe: 0 }] : []));
    expect(steps(together.events)).toEqual(steps(alone.events));
    expect(Math.max(...rounds)).toBeGreaterThan(1);
    // A call tells one run, whatever it computed; the rows are those of every text.
    const forwards = together.events.flatMap((event) => (event.type === "forward" ? [event] : []));
    expect(forwards.filter(({ runs }) => runs === 1)).toHaveLength(rounds.length);
    expect(forwards.filter(({ runs }) => runs === 0)).toHaveLength(
      rounds.reduce((sum, texts) => sum + texts - 1, 0),
    );
    expect(forwards.reduce((sum, { rows }) => sum + rows, 0)).toBe(alone.done.rows);
    expect(forwards.map(({ nfe }) => nfe)).toEqual(forwards.map((_, i) => i + 1));
  }
});

test("texts that cannot go on together say why, once", async () => {
  const search = { method: "best-of", n: 3 };
  const reasons = async (model: ReturnType<typeof testModel>): Promise<readonly (string | undefined)[]> => {
    const { events } = await collect(generate({ search }), CONTROL, model);
    return events.flatMap((event) => (event.type === "forward" ? [event.apart] : []));
  };
  const alone = await reasons(testModel());
  expect(alone[0]).toBe("one text at a time is computed here");
  expect(alone.slice(1).every((why) => why === undefined)).toBe(true);
  expect((await reasons(batchModel([], 40)))[0]).toBe("more rows than a run takes");
  expect((await reasons(batchModel([]))).every((why) => why === undefined)).toBe(true);
});

test("the time of texts written side by side is the wall time", async () => {
  let now = 0;
  const model = batchModel([]);
  const { forwardAll } = model.denoiser;
  const denoiser = {
    ...model.denoiser,
    forwardAll: (requests: readonly ForwardRequest[]) => {
      now += 6;
      return forwardAll!(requests);
    },
  };
  const search = { method: "best-of", n: 4 };
  const control = { ...CONTROL, now: () => now };
  const { events, done } = await collect(generate({ search }), control, { ...model, denoiser });
  const times = events.flatMap((event) => (event.type === "step" && event.time ? [event.time] : []));
  const sum = (part: keyof (typeof times)[number]) => times.reduce((total, time) => total + time[part], 0);
  expect([sum("upload"), sum("run"), sum("readback"), sum("decide"), sum("display")]).toEqual([
    12, 24, 36, 0, 0,
  ]);
  expect(done.ms).toBe(72);
});

test("texts side by side stop together, and what was told of them stands", async () => {
  let asked = 0;
  const control = { stop: () => asked++ >= 5 };
  const { events, done } = await collect(
    generate({ search: { method: "best-of", n: 3 } }),
    control,
    batchModel([]),
  );
  expect(done.reason).toBe("aborted");
  expect(done.nfe).toBe(15);
  const shown = foldTrace(events).at(-1)!.ids.slice(6);
  expect(shown.filter((id) => id !== 63)).toEqual(done.tokens);
  expect(done.tokens).toHaveLength(5);
});
