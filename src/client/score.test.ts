import { expose } from "comlink";
import { afterEach, expect, test } from "vitest";
import { toUnmaskError } from "../core/errors.ts";
import type { GenerateEvent } from "../core/events.ts";
import { runJob } from "../engine/run/run-job.ts";
import { testModel } from "../engine/run/scripted-model.ts";
import {
  type Engine,
  type EngineApi,
  type EngineInfo,
  installErrorTransfer,
  releaseCallback,
} from "../protocol.ts";
import { connectEngine } from "./client.ts";

/** A score function is evaluated where it was written, whatever lies between it and the search. */

const INFO: EngineInfo = {
  name: "test",
  licence: "none",
  vocab: 64,
  maskId: 63,
  maxCanvas: 96,
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
const RECIPE = { preset: "llada", length: 8, temperature: 1, search: { method: "best-of", n: 5 } };

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

async function connect(): Promise<Engine> {
  installErrorTransfer();
  const stopped = new Set<string>();
  const runs: Promise<unknown>[] = [];
  const api: EngineApi = {
    load: async () => INFO,
    abortLoad: () => {},
    async run(id, job, emit, _held, score) {
      const control = { stop: () => stopped.has(id), ...(score === undefined ? {} : { score }) };
      const pump = async (): Promise<void> => {
        for await (const event of runJob(job, testModel(), control)) await (emit(event) as unknown);
      };
      const running = pump();
      runs.push(running);
      try {
        await running;
      } catch (error) {
        throw toUnmaskError(error);
      } finally {
        if (score !== undefined) releaseCallback(score);
      }
    },
    abort: (id) => void stopped.add(id),
    control: () => {},
    async dispose() {
      // The model is freed when nothing uses it any more.
      await Promise.allSettled(runs);
    },
  };
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  expose(api, port1);
  port2.start();
  return await connectEngine(port2, "test", {}, { close: () => port2.close() });
}

async function last(events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent | undefined> {
  let event: GenerateEvent | undefined;
  for await (event of events);
  return event;
}

test("a score function chooses over a port, closures and promises included", async () => {
  const engine = await connect();
  const seen: string[] = [];
  const score = async ({ text, masksLeft }: { text: string; masksLeft: number }): Promise<number> => {
    seen.push(text);
    return masksLeft === 0 ? text.length - 10 * text.indexOf("e") : 0;
  };
  const done = await last(engine.generate("hello", { recipe: RECIPE, score }));
  expect(done).toMatchObject({ type: "done", search: { method: "best-of" } });
  if (done?.type !== "done") throw new Error("no done event");
  expect(seen).toEqual(done.search!.candidates.map(({ text }) => text));
  const scores = done.search!.candidates.map(({ text }) => text.length - 10 * text.indexOf("e"));
  expect(done.search!.candidates.map((one) => one.score)).toEqual(scores);
  expect(done.text).toBe(seen[scores.indexOf(Math.max(...scores))]);
});

test("a score function that throws ends the run with its message", async () => {
  const engine = await connect();
  const score = (): number => {
    throw new Error("no such table");
  };
  await expect(last(engine.generate("hello", { recipe: RECIPE, score }))).rejects.toMatchObject({
    code: "invalid-options",
    message: "The score function failed: no such table",
  });
});

test("a stop does not wait for a score that never comes", async () => {
  const engine = await connect();
  const controller = new AbortController();
  const score = (): Promise<number> => {
    controller.abort();
    return new Promise(() => {});
  };
  const { signal } = controller;
  const done = await last(engine.generate("hello", { recipe: RECIPE, score, signal }));
  expect(done).toMatchObject({ type: "done", reason: "aborted" });
});

test("closing the engine does not wait for a score that never comes", async () => {
  const engine = await connect();
  let ask = (): void => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const score = (): Promise<number> => {
    ask();
    return new Promise(() => {});
  };
  const running = last(engine.generate("hello", { recipe: RECIPE, score }));
  const ended = expect(running).rejects.toMatchObject({ code: "disposed" });
  await asked;
  await engine[Symbol.asyncDispose]();
  await ended;
});
