import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { atMostEvery, inOwnTask } from "./later.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("work that may wait is done once, in the next task", () => {
  const work = vi.fn();
  const follow = inOwnTask(work);
  follow(true);
  follow(true);
  expect(work).toHaveBeenCalledTimes(0);
  vi.runAllTimers();
  expect(work).toHaveBeenCalledTimes(1);
});

test("work that may not wait is done at once, and what waited is done with it", () => {
  const work = vi.fn();
  const follow = inOwnTask(work);
  follow(true);
  follow(false);
  expect(work).toHaveBeenCalledTimes(1);
  vi.runAllTimers();
  expect(work).toHaveBeenCalledTimes(1);
  follow(true);
  vi.runAllTimers();
  expect(work).toHaveBeenCalledTimes(2);
});

test("sparing work is done at most once in its time, and the last call always", () => {
  const work = vi.fn();
  const tell = atMostEvery(1000, work);
  tell(true);
  vi.advanceTimersByTime(999);
  tell(true);
  expect(work).toHaveBeenCalledTimes(1);
  tell(false);
  expect(work).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(1000);
  tell(true);
  expect(work).toHaveBeenCalledTimes(3);
});
