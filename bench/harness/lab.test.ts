import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testModel } from "../../src/engine/run/scripted-model.ts";
import { openJournal } from "./journal.ts";
import { type Lab, runToEnd, runUnits, type Unit } from "./lab.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "unmask-lab-"));
});
afterAll(() => rm(folder, { recursive: true }));

function labOn(path: string, identity: string, signal = new AbortController().signal) {
  const steps: boolean[] = [];
  const progress = { begin: () => {}, done: (_: number, fresh: boolean) => void steps.push(fresh) };
  const journal = openJournal(path);
  const lab: Lab = { model: testModel(), identity: [identity], journal, progress, signal, spared: () => 0 };
  return { lab, steps };
}

const unit = (name: string, run: () => Promise<number>): Unit<number> => ({
  key: [name],
  label: name,
  cost: 1,
  schema: v.number(),
  run,
});

test("a run that failed goes on behind what it had finished; other weights begin anew", async () => {
  const path = join(folder, "a.jsonl");
  const ran: string[] = [];
  const work = (name: string, value: number) =>
    unit(name, async () => {
      ran.push(name);
      return value;
    });
  const fails = unit("c", () => Promise.reject(new Error("killed")));
  await expect(runUnits([work("a", 1), work("b", 2), fails], labOn(path, "m").lab)).rejects.toThrow("killed");
  const { lab, steps } = labOn(path, "m");
  expect(await runUnits([work("a", 9), work("b", 9), work("c", 3)], lab)).toEqual([1, 2, 3]);
  expect(steps).toEqual([false, false, true]);
  await runUnits([work("a", 1)], labOn(path, "other").lab);
  expect(ran).toEqual(["a", "b", "c", "a"]);
});

test("a stopped run says so and starts nothing more", async () => {
  const stop = new AbortController();
  const { lab } = labOn(join(folder, "b.jsonl"), "m", stop.signal);
  const first = unit("a", async () => {
    stop.abort();
    return 1;
  });
  const second = unit("b", () => Promise.reject(new Error("must not run")));
  await expect(runUnits([first, second], lab)).rejects.toMatchObject({ code: "aborted" });
  const job = { kind: "generate", prompt: "abc", options: { maxNewTokens: 4 } } as const;
  await expect(runToEnd(job, lab)).rejects.toMatchObject({ code: "aborted" });
});

test("a run whose time is over takes what is known and begins nothing new", async () => {
  const path = join(folder, "over.jsonl");
  const work = (name: string, value: number) => unit(name, async () => value);
  await runUnits([work("a", 1)], labOn(path, "m").lab);
  const never = unit("b", () => Promise.reject(new Error("begun")));
  expect(await runUnits([work("a", 1), never, work("a", 1)], labOn(path, "m").lab, () => true)).toEqual([
    1, 1,
  ]);
});
