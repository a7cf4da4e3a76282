import { expect, test } from "vitest";
import type { GenerateEvent } from "../../core/events.ts";
import type { Job } from "../../core/job.ts";
import type { Denoiser, ForwardRequest } from "../../core/types.ts";
import { foldTrace, parseTrace } from "../record/trace.ts";
import { type RunControl, runJob } from "./run-job.ts";
import { FACTS, testModel } from "./scripted-model.ts";

type Done = Extract<GenerateEvent, { type: "done" }>;

async function collect(
  job: Job,
  model = testModel(),
  control: RunControl = { stop: () => false },
): Promise<{ events: GenerateEvent[]; done: Done }> {
  const events: GenerateEvent[] = [];
  for await (const event of runJob(job, model, control)) events.push(event);
  return { events, done: events.at(-1) as Done }; // the last event is always done
}

const generate = (options: Job["options"] = {}, prompt = "hello"): Job => ({
  kind: "generate",
  prompt,
  options,
});
const infill = (text: string): Job => ({ kind: "infill", text, options: {} });

test("a generation starts, alternates forwards and steps, and ends with done", async () => {
  const { events, done } = await collect(generate({ maxNewTokens: 8 }));
  expect(events.map(({ type }) => type)).toEqual([
    "start",
    ...new Array(8).fill(["forward", "step"]).flat(),
    "done",
  ]);
  expect(events[0]).toMatchObject({ maskId: 63, promptLen: 6, gaps: [[6, 14]], seed: 0 });
  expect(done).toMatchObject({ reason: "complete", nfe: 8, steps: 8, rows: 8 * 14 });
  expect(done.tokens).toHaveLength(8);
  expect(events[1]).toEqual({ type: "forward", step: 0, nfe: 1, rows: 14, kvRows: 0, batch: 1 });
});

test("a cached generation reports its refreshes, the rows it computes and those it reuses", async () => {
  const recipe = { preset: "llada", block: 4, cache: "dual" };
  const { events, done } = await collect(generate({ maxNewTokens: 8, recipe }));
  const forwards = events.filter((event) => event.type === "forward");
  expect(forwards.map(({ rows, kvRows }) => [rows, kvRows])).toEqual([
    [14, 0],
    ...new Array(3).fill([4, 10]),
    [14, 0],
    ...new Array(3).fill([4, 10]),
  ]);
  expect(events.filter((event) => event.type === "cache")).toEqual([
    { type: "cache", step: 0, scope: "all", why: "refresh" },
    { type: "cache", step: 4, scope: "all", why: "refresh" },
  ]);
  expect(done.rows).toBe(2 * 14 + 6 * 4);
  expect(events[0]).toMatchObject({ recipe: { cache: "dual" } });
});

test("folding the events gives the tokens of done", async () => {
  const { events, done } = await collect(generate({ maxNewTokens: 20, recipe: "quick" }), testModel(40));
  const frames = foldTrace(events);
  expect(frames.at(-1)!.ids.slice(6)).toEqual(done.tokens);
  expect(frames).toHaveLength(done.steps + 1);
});

test("every token is named once, when it first appears", async () => {
  const { events } = await collect(generate({ maxNewTokens: 12 }));
  const named = events.flatMap((event) => ("pieces" in event ? Object.keys(event.pieces ?? {}) : []));
  expect(new Set(named).size).toBe(named.length);
  for (const event of events) {
    if (event.type === "step") for (const { id } of event.commits) expect(named).toContain(String(id));
  }
});

test("an end-of-text token ends the text and fills the tail with padding at no forward", async () => {
  const { events, done } = await collect(generate({ maxNewTokens: 64, recipe: { block: 4 } }), testModel(60));
  expect(done.reason).toBe("eos");
  expect(done.nfe).toBeLessThan(64);
  const end = done.tokens.indexOf(62);
  expect(done.effectiveTokens).toBe(end);
  expect(done.tokens.slice(end + 1).every((id) => id === 61 || id === 62)).toBe(true);
  expect(done.text).toHaveLength(end);
  expect(events.at(-2)).toMatchObject({ type: "step", masksLeft: 0 });
});

test("without the stop rule the same model fills every cell by itself", async () => {
  const recipe = { block: 4, stop: { eos: false } };
  const { done } = await collect(generate({ maxNewTokens: 64, recipe }), testModel(60));
  expect(done).toMatchObject({ reason: "complete", nfe: 64 });
});

test("an infill keeps the text around its gaps and fills each", async () => {
  const { events, done } = await collect(infill("one [[3]] two [[2]]."), testModel(200));
  expect(events[0]).toMatchObject({
    promptLen: 4,
    gaps: [
      [4, 7],
      [11, 13],
    ],
  });
  expect(done.filled).toHaveLength(2);
  expect(done.text).toBe(`one ${done.filled![0]} two ${done.filled![1]}.`);
  expect(done.tokens).toHaveLength(5);
  expect(done.effectiveTokens).toBe(5);
});

test("guidance computes two canvases in one forward", async () => {
  const seen: ForwardRequest[] = [];
  const recipe = { guidance: { cfg: 1 } };
  const { events, done } = await collect(generate({ maxNewTokens: 2, recipe }), testModel(0, seen));
  expect(events[1]).toMatchObject({ batch: 2, rows: 16, nfe: 1 });
  expect(done).toMatchObject({ nfe: 2, rows: 32 });
  expect([...seen[0]!.canvases[1]!.subarray(0, 6)]).toEqual(new Array(6).fill(63));
});

test("stop is asked before each forward and ends the job with what there is", async () => {
  let forwards = 0;
  const stop = (): boolean => forwards++ >= 3;
  const { done, events } = await collect(generate({ maxNewTokens: 10 }), testModel(), { stop });
  expect(done).toMatchObject({ reason: "aborted", nfe: 3, steps: 3 });
  expect(done.tokens).toHaveLength(3);
  expect(foldTrace(events).at(-1)!.masksLeft).toBe(7);
});

test("a gate holds the job before a forward", async () => {
  let open = (): void => {};
  let held = new Promise<void>((resolve) => {
    open = resolve;
  });
  const events = runJob(generate({ maxNewTokens: 2 }), testModel(), { stop: () => false, gate: () => held });
  expect((await events.next()).value).toMatchObject({ type: "start" });
  let arrived = false;
  const next = events.next().then((turn) => {
    arrived = true;
    return turn;
  });
  await Promise.resolve();
  expect(arrived).toBe(false);
  held = Promise.resolve();
  open();
  expect((await next).value).toMatchObject({ type: "forward" });
});

/** A clock that only what is measured moves on, and a model that takes 10 ms of it: 1 up, 6 running, 3 back. */
function timedModel() {
  let now = 100;
  const control = { stop: () => false, now: () => now };
  const model = testModel();
  const denoiser: Denoiser = {
    ...model.denoiser,
    forward: async (request) => {
      const stats = await model.denoiser.forward(request);
      now += 10;
      return { ...stats, time: { upload: 1, run: 6, readback: 3 } };
    },
  };
  const pass = (ms: number): void => {
    now += ms;
  };
  return { model: { ...model, denoiser }, control, pass };
}

test("the clock is the caller's, and events say when they happened, not when they were told", async () => {
  const { model, control } = timedModel();
  const { events, done } = await collect(generate({ maxNewTokens: 2 }), model, control);
  expect(events.map((event) => ("ms" in event ? event.ms : null))).toEqual([null, 10, 10, 20, 20, 20]);
  expect(done.ms).toBe(20);
});

test("a step says where its time went; a listener that takes longer than the forward counts as display", async () => {
  const { model, control, pass } = timedModel();
  const times: unknown[] = [];
  let wall = 0;
  for await (const event of runJob(generate({ maxNewTokens: 3 }), model, control)) {
    if (event.type === "step") {
      times.push(event.time);
      pass(5);
    }
    if (event.type === "done") wall = event.ms ?? 0;
  }
  const step = { upload: 1, run: 6, readback: 3, decide: 0 };
  expect(times).toEqual([
    { ...step, display: 0 },
    { ...step, display: 5 },
    { ...step, display: 5 },
  ]);
  // Nobody waits for the telling of the last step.
  expect(wall).toBe(3 * 10 + 3 * 5);
});

/** What happens in a run, in order: forwards as they are submitted, steps as they are told. */
async function orderOf(denoiser: Partial<Denoiser>, control: RunControl, turns = 99): Promise<string[]> {
  const model = testModel();
  const order: string[] = [];
  let forwards = 0;
  const watched: Denoiser = {
    ...model.denoiser,
    ...denoiser,
    forward: (request) => {
      order.push(`submit ${forwards++}`);
      return model.denoiser.forward(request);
    },
  };
  const events = runJob(generate({ maxNewTokens: 3 }), { ...model, denoiser: watched }, control);
  for await (const event of events) {
    if (event.type === "step") order.push(`told ${event.step}`);
    if (--turns === 0) break;
  }
  return order;
}

const FREE: RunControl = { stop: () => false };

test("the next forward is submitted before the last step is told", async () => {
  const order = await orderOf({}, FREE);
  expect(order).toEqual(["submit 0", "submit 1", "told 0", "submit 2", "told 1", "told 2"]);
  const open = { ...FREE, gate: async () => {}, held: () => false };
  expect(await orderOf({}, open)).toEqual(order);
});

test("where a forward takes the thread, or the job is held, a step is told before", async () => {
  const order = ["submit 0", "told 0", "submit 1", "told 1", "submit 2", "told 2"];
  expect(await orderOf({ blocks: true }, FREE)).toEqual(order);
  expect(await orderOf({}, { ...FREE, gate: async () => {}, held: () => true })).toEqual(order);
});

test("who leaves the loop leaves when the forward that runs has ended", async () => {
  let running = 0;
  const model = testModel();
  const slow: Denoiser = {
    ...model.denoiser,
    forward: async (request) => {
      running++;
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return model.denoiser.forward(request);
    },
  };
  const seen: number[] = [];
  for await (const event of runJob(generate({ maxNewTokens: 4 }), { ...model, denoiser: slow }, FREE)) {
    if (event.type !== "step") continue;
    seen.push(running);
    break;
  }
  expect(seen).toEqual([1]);
  expect(running).toBe(0);
});

test("what happened before a forward failed is told first", async () => {
  const model = testModel();
  let left = 2;
  const failing: Denoiser = {
    ...model.denoiser,
    forward: (request) => (left-- > 0 ? model.denoiser.forward(request) : Promise.reject(new Error("lost"))),
  };
  const types: string[] = [];
  const run = async () => {
    for await (const event of runJob(generate(), { ...model, denoiser: failing }, FREE))
      types.push(event.type);
  };
  await expect(run()).rejects.toThrow("lost");
  expect(types).toEqual(["start", "forward", "step", "forward", "step"]);
});

test("the same seed gives the same events at a temperature, another seed others", async () => {
  const at = async (seed: number): Promise<GenerateEvent[]> =>
    (await collect(generate({ maxNewTokens: 12, temperature: 1, seed }))).events.slice(1);
  expect(await at(1)).toEqual(await at(1));
  expect(await at(1)).not.toEqual(await at(2));
});

test.each<[Job, string]>([
  [generate({}, ""), "prompt-empty"],
  [generate({}, " \n "), "prompt-empty"],
  [generate({}, "123"), "prompt-empty"],
  [generate({}, "a".repeat(96)), "prompt-too-long"],
  [generate({}, "a".repeat(1_000_000)), "prompt-too-long"],
  [generate({ mode: "nope" }), "invalid-options"],
  [infill("nothing to fill"), "no-gaps"],
  [infill("a [[0]]"), "usage"],
  [infill("a [[60]] b [[60]]"), "prompt-too-long"],
])("%j is refused with %s before anything runs", async (job, code) => {
  const seen: ForwardRequest[] = [];
  await expect(collect(job, testModel(0, seen))).rejects.toMatchObject({ code });
  expect(seen).toEqual([]);
});

test("a failure of the model rejects the iteration", async () => {
  const model = testModel();
  const denoiser = { ...model.denoiser, forward: () => Promise.reject(new Error("lost")) };
  await expect(collect(generate(), { ...model, denoiser })).rejects.toThrow("lost");
});

test("a mode's suffix stands between the prompt and the text", async () => {
  const { events } = await collect(generate({ mode: "task", maxNewTokens: 1 }, "ab"));
  expect(events[0]).toMatchObject({ canvas: [60, 59, 0, 1, 58, 63], promptLen: 5 });
  expect(FACTS.maxCanvas).toBe(96);
});

test("a draft that is trusted costs one forward and stays", async () => {
  const init = { draft: "hello there", keep: 0 };
  const recipe = { preset: "warm-start", init, stop: { eos: false } };
  const { events, done } = await collect(generate({ maxNewTokens: 11, recipe }));
  expect(done).toMatchObject({ text: "hello there", nfe: 1 });
  const start = events[0]!;
  expect(start.type === "start" && start.canvas.includes(63)).toBe(false);
});

test("a blended draft stands in no cell: forwards bring it along for the masks that are left", async () => {
  const seen: ForwardRequest[] = [];
  const recipe = { preset: "llada", init: { draft: "hello there", blend: 0.25 }, stop: { eos: false } };
  const { events } = await collect(generate({ maxNewTokens: 8, recipe }), testModel(0, seen));
  const start = events[0]!;
  expect(start.type === "start" && start.canvas.slice(6)).toEqual(new Array(8).fill(63));
  // "hello th", the rest has no cell.
  const hints = [7, 4, 11, 11, 14, 26, 19, 7];
  for (const { canvases, blend } of seen) {
    const masks = Array.from(canvases[0]!.subarray(6), (id) => id === 63);
    const expected = hints.map((id, i) => (masks[i] ? id : -1));
    expect(blend).toEqual({ ids: Int32Array.from([...new Array(6).fill(-1), ...expected]), share: 0.25 });
  }
  expect(seen).toHaveLength(8);
});

test("a draft that the model doubts is rewritten, cell by cell", async () => {
  const init = { draft: "hello", keep: 1 };
  const recipe = { preset: "warm-start", init, stop: { eos: false } };
  const { events, done } = await collect(generate({ maxNewTokens: 8, recipe }));
  const steps = events.filter((event) => event.type === "step");
  expect(steps[0]!.remasks).toHaveLength(5);
  expect(done.tokens).toHaveLength(8);
  expect(foldTrace(events).at(-1)!.masksLeft).toBe(0);
});

test("the canvas ends where the model predicts the end of the text", async () => {
  const recipe = { preset: "llada", stop: { eos: true, eotp: { minConf: 0 } } };
  const { events, done } = await collect(generate({ maxNewTokens: 60, recipe }), testModel(200));
  expect(events.some((event) => event.type === "length" && event.why === "end of text")).toBe(true);
  expect(done.tokens.length).toBeLessThan(60);
  expect(foldTrace(events).at(-1)!.ids.slice(-done.tokens.length)).toEqual(done.tokens);
});

test("a draft found in the prompt stands in the canvas and is judged like any other", async () => {
  const of = async (prompt: string, init: object) => {
    const recipe = { preset: "warm-start", init, stop: { eos: false } };
    return (await collect(generate({ maxNewTokens: 6, recipe }, prompt))).events;
  };
  const start = async (prompt: string, init: object) => {
    const [event] = await of(prompt, init);
    return event?.type === "start" ? event.canvas.slice(-6) : [];
  };
  // "xyz" was followed by "abcdef".
  expect(await start("xyzabcdef xyz", { from: "prompt" })).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await start("xyz", { from: "prompt" })).toEqual(new Array(6).fill(63));
  expect(await start("hello", { draft: "abc", share: 0 })).toEqual(new Array(6).fill(63));
  const steps = (await of("xyzabcdef xyz", { from: "prompt", keep: 1 })).filter(
    (event) => event.type === "step",
  );
  expect(steps[0]!.remasks).toHaveLength(6);
});

test("guided diffusion with the prefix cache is FlashDLM's pair: a run of agreement a step, frozen prompt", async () => {
  const recipe = { preset: "guided", block: 8, cache: "prefix" };
  const { events, done } = await collect(generate({ maxNewTokens: 16, recipe }, "abcabcabcabc"));
  expect(done).toMatchObject({ reason: "complete" });
  const later = events.filter((event) => event.type === "forward").slice(1);
  expect(later.some(({ kvRows }) => kvRows >= 13)).toBe(true);
});

test("the result names the tokens that the model wavered over, and a trace keeps them", async () => {
  const { events, done } = await collect(generate({ maxNewTokens: 24, recipe: { preset: "llada" } }));
  expect(done.instability).toBeGreaterThan(0);
  expect(done.doubts!.length).toBeGreaterThan(0);
  expect(done.doubts!.length).toBeLessThan(24);
  for (const { row, osc } of done.doubts!) {
    expect(osc).toBeGreaterThanOrEqual(0.85);
    expect(row).toBeGreaterThanOrEqual(6);
  }
  const trace = { schema: 1, model: "test", recipe: {}, seed: 0, prompt: { text: "", ids: [] }, events };
  const last = parseTrace(trace).events.at(-1);
  expect(last?.type === "done" ? last.doubts : undefined).toEqual(done.doubts);
});

test("one step for everything leaves no history to judge by", async () => {
  const recipe = { preset: "fast-dllm", threshold: 0 };
  const { done } = await collect(generate({ maxNewTokens: 8, recipe }));
  expect("doubts" in done || "instability" in done).toBe(false);
});

test("AdaBlock's passages end with a line, not with a sentence", async () => {
  const asked: string[] = [];
  const model = testModel();
  const encode = (text: string): Int32Array => {
    asked.push(text);
    return model.tokenizer.encode(text);
  };
  const tokenizer = { ...model.tokenizer, encode };
  await collect(generate({ maxNewTokens: 8, recipe: "adablock" }), { ...model, tokenizer });
  expect(asked).toContain("\n");
  expect(asked).not.toContain(".");
});
