import { expect, test } from "vitest";
import { createProgress, duration } from "./progress.ts";

test("the time left follows the speed of fresh work only", () => {
  let clock = 0;
  const shown: string[] = [];
  const progress = createProgress(
    100,
    () => clock,
    (text) => shown.push(text),
  );
  progress.begin("tasks");
  expect(shown.at(-1)).toBe(`[${"-".repeat(24)}] 0 %  tasks`);
  progress.done(50, false);
  expect(shown.at(-1)).toBe(`[${"#".repeat(12)}${"-".repeat(12)}] 50 %  tasks`);
  clock = 10_000;
  progress.done(25, true);
  // 25 cost 10 s, so the last 25 cost as much
  expect(shown.at(-1)).toBe(`[${"#".repeat(18)}${"-".repeat(6)}] 75 %, 10 s left  tasks`);
});

test("durations", () => {
  expect([59_000, 200_000, 7_500_000].map(duration)).toEqual(["59 s", "3 min 20 s", "2 h 5 min"]);
});
