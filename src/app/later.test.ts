import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { atMostEvery, inLaterFrame } from "./later.ts";

const FRAME_MS = 16;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => Number(setTimeout(draw, FRAME_MS)));
  vi.stubGlobal("cancelAnimationFrame", (id: number) => clearTimeout(id));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("work that may wait is done once, in the next frame", () => {
  const work = vi.fn();
  const follow = inLaterFrame(work);
  follow(1);
  vi.advanceTimersByTime(FRAME_MS - 1);
  follow(1);
  expect(work).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(1);
  expect(work).toHaveBeenCalledTimes(1);
  vi.runAllTimers();
  expect(work).toHaveBeenCalledTimes(1);
});

test("work that may not wait is done at once, and what waited is done with it", () => {
  const work = vi.fn();
  const follow = inLaterFrame(work);
  follow(1);
  follow(0);
  expect(work).toHaveBeenCalledTimes(1);
  vi.runAllTimers();
  expect(work).toHaveBeenCalledTimes(1);
  follow(1);
  vi.runAllTimers();
  expect(work).toHaveBeenCalledTimes(2);
});

test("work that leaves two frames to others lets them have two, also when it waited for one before", () => {
  const work = vi.fn();
  const follow = inLaterFrame(work);
  follow(1);
  follow(2);
  vi.advanceTimersByTime(2 * FRAME_MS - 1);
  expect(work).toHaveBeenCalledTimes(0);
  follow(1);
  vi.advanceTimersByTime(1);
  expect(work).toHaveBeenCalledTimes(1);
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
