import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPlayback } from "./playback.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what is told of the last tick is that nothing plays any more", () => {
  let position = 0;
  const told: [number, boolean][] = [];
  const playback = createPlayback(
    () => ++position < 3,
    () => told.push([position, playback.playing]),
    10,
  );
  playback.play();
  expect(playback.playing).toBe(true);
  vi.advanceTimersByTime(100);
  expect(told).toEqual([
    [1, true],
    [2, true],
    [3, false],
  ]);
});

test("a pause ends it, and playing again does not double it", () => {
  let ticks = 0;
  const playback = createPlayback(
    () => ++ticks > 0,
    () => {},
    10,
  );
  playback.play();
  playback.play();
  vi.advanceTimersByTime(30);
  playback.pause();
  vi.advanceTimersByTime(30);
  expect([ticks, playback.playing]).toEqual([3, false]);
});
