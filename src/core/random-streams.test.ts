import { expect, test } from "vitest";
import { RANDOM_STREAMS } from "./random-streams.ts";

test("no two choices draw from one stream, and none from the noise of a token", () => {
  const streams = Object.values(RANDOM_STREAMS);
  expect(new Set(streams).size).toBe(streams.length);
  for (const stream of streams) {
    expect(stream).toBeGreaterThan(0xffff_ff00);
    expect(stream).toBeLessThanOrEqual(0xffff_ffff);
  }
});
