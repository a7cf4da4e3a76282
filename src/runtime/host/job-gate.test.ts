import { expect, test } from "vitest";
import { createGate } from "./job-gate.ts";

/** Whether the gate lets through without being told anything more. */
async function passes(gate: ReturnType<typeof createGate>): Promise<boolean> {
  let through = false;
  const waiting = gate.gate().then(() => {
    through = true;
  });
  for (let i = 0; i < 5; i++) await Promise.resolve();
  const result = through;
  gate.resume();
  await waiting;
  return result;
}

test("an open gate passes, a held one waits for resume", async () => {
  expect(await passes(createGate(false))).toBe(true);
  expect(await passes(createGate(true))).toBe(false);
});

test("step lets exactly one forward through, also when it comes before the wait", async () => {
  const gate = createGate(true);
  gate.step();
  await gate.gate();
  expect(await passes(gate)).toBe(false);
});

test("pausing holds the next forward and abort frees the wait", async () => {
  const gate = createGate(false);
  gate.pause();
  const waiting = gate.gate();
  gate.abort();
  await waiting;
  expect(gate.stop()).toBe(true);
});

test("it says whether it would hold a forward now", () => {
  const gate = createGate(true);
  expect(gate.held()).toBe(true);
  gate.step();
  expect(gate.held()).toBe(false);
  gate.resume();
  gate.pause();
  expect(gate.held()).toBe(true);
  gate.abort();
  expect(gate.held()).toBe(false);
});
