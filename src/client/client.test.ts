import { expose } from "comlink";
import { afterEach, expect, test } from "vitest";
import { UnmaskError } from "../core/errors.ts";
import type { GenerateEvent } from "../core/events.ts";
import { type EngineApi, type EngineInfo, installErrorTransfer } from "../protocol.ts";
import { connectEngine } from "./client.ts";

const INFO: EngineInfo = {
  name: "fake",
  licence: "none",
  vocab: 4,
  maskId: 3,
  maxCanvas: 8,
  bundleBytes: 1,
  modes: [],
  chat: false,
  recipes: ["default"],
  backend: "wasm",
  threads: 1,
  variant: "f32",
  reason: "a test",
  warnings: [],
};

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** Counts forwards until `limit`, one a turn of the event loop, or until it is told to stop. */
function fakeWorker(limit: number) {
  const log: string[] = [];
  const stopped = new Set<string>();
  const api: EngineApi = {
    async load(model, _options, report) {
      if (model === "missing") throw new UnmaskError("not-found", "There is none.", { detail: { model } });
      report({ phase: "downloading", bytes: 1, totalBytes: 2 });
      return INFO;
    },
    abortLoad: () => void log.push("abortLoad"),
    async run(id, job, emit, held) {
      log.push(`run ${job.kind} ${held}`);
      if (job.kind === "infill") throw new UnmaskError("no-gaps", "No gaps.", { detail: { gaps: 0 } });
      let step = 0;
      for (; step < limit && !stopped.has(id); step++) {
        emit({ type: "cache", step, scope: "all", why: "test" });
        await tick();
      }
      const reason = stopped.has(id) ? "aborted" : "complete";
      const done = { nfe: step, rows: 0, steps: step, effectiveTokens: 0, tokens: [] };
      await (emit({ type: "done", reason, ...done }) as unknown);
      log.push(`ended ${reason}`);
    },
    abort: (id) => void stopped.add(id),
    control: (_id, action) => void log.push(action),
    dispose: async () => void log.push("dispose"),
  };
  return { api, log };
}

async function connect(limit: number, model = "fake") {
  installErrorTransfer();
  const { api, log } = fakeWorker(limit);
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  expose(api, port1);
  port2.start();
  const progress: string[] = [];
  const engine = await connectEngine(
    port2,
    model,
    {},
    {
      onProgress: (event) => progress.push(event.phase),
      close: () => port2.close(),
    },
  );
  return { engine, log, progress };
}

test("events come in order and end with done", async () => {
  const { engine, progress } = await connect(5);
  const seen: GenerateEvent[] = [];
  for await (const event of engine.generate("hello")) seen.push(event);
  expect(seen.map((event) => (event.type === "cache" ? event.step : event.type))).toEqual([
    0,
    1,
    2,
    3,
    4,
    "done",
  ]);
  expect(progress).toEqual(["downloading"]);
});

test("code, message and detail of an error survive the thread", async () => {
  await expect(connect(1, "missing")).rejects.toMatchObject({
    name: "UnmaskError",
    code: "not-found",
    message: "There is none.",
    detail: { model: "missing" },
  });
  const { engine } = await connect(1);
  await expect(async () => {
    for await (const _ of engine.infill("no gaps"));
  }).rejects.toMatchObject({ code: "no-gaps", detail: { gaps: 0 } });
});

test("a signal ends the job with done: aborted, before or while it runs", async () => {
  const { engine } = await connect(10_000);
  const controller = new AbortController();
  let last: GenerateEvent | undefined;
  for await (const event of engine.generate("hello", { signal: controller.signal })) {
    last = event;
    if (event.type === "cache" && event.step === 3) controller.abort();
  }
  expect(last).toMatchObject({ type: "done", reason: "aborted" });
  for await (const event of engine.generate("hello", { signal: controller.signal })) last = event;
  expect(last).toMatchObject({ type: "done", reason: "aborted" });
});

test("leaving the loop aborts the job", async () => {
  const { engine, log } = await connect(10_000);
  for await (const _ of engine.generate("hello")) break;
  for (let i = 0; i < 200 && !log.includes("ended aborted"); i++) await tick();
  expect(log).toContain("ended aborted");
});

test("held and steering reach the running job, and nothing without one", async () => {
  const { engine, log } = await connect(3);
  engine.pause();
  const events = engine.generate("hello", { held: true });
  engine.step();
  engine.resume();
  for await (const _ of events);
  engine.step();
  await tick();
  expect(log.filter((entry) => !entry.startsWith("ended"))).toEqual(["run generate true", "step", "resume"]);
});

test("a closed engine refuses work with its own code and frees the worker once", async () => {
  const { engine, log } = await connect(3);
  await engine[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  expect(log).toEqual(["dispose"]);
  await expect(async () => {
    for await (const _ of engine.generate("hello"));
  }).rejects.toMatchObject({ code: "disposed" });
});
