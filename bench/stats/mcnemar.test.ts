import { expect, test } from "vitest";
import { discordant, mcnemar } from "./mcnemar.ts";

test("exact binomial tails by hand", () => {
  // 2 (C(6,0) + C(6,1)) / 2^6 = 14 / 64
  expect(mcnemar({ gained: 1, lost: 5 })).toBeCloseTo(14 / 64, 12);
  // 2 / 2^10
  expect(mcnemar({ gained: 10, lost: 0 })).toBeCloseTo(2 / 1024, 12);
  // 2 (1 + 12 + 66 + 220) / 2^12
  expect(mcnemar({ gained: 9, lost: 3 })).toBeCloseTo(598 / 4096, 12);
});

test("an even split and no discordant pair are no evidence", () => {
  expect(mcnemar({ gained: 4, lost: 4 })).toBe(1);
  expect(mcnemar({ gained: 0, lost: 0 })).toBe(1);
});

test("symmetric, and finite where the terms leave the range of doubles", () => {
  expect(mcnemar({ gained: 2, lost: 7 })).toBe(mcnemar({ gained: 7, lost: 2 }));
  const p = mcnemar({ gained: 1000, lost: 1100 });
  // Normal approximation with continuity correction: z = 99 / sqrt(2100) = 2.1604, p = 0.03074.
  expect(p).toBeGreaterThan(0.0305);
  expect(p).toBeLessThan(0.031);
});

test("counts only pairs that differ", () => {
  const pairs = [
    [true, true],
    [true, false],
    [false, true],
    [false, true],
    [false, false],
  ] as const;
  expect(discordant(pairs)).toEqual({ gained: 1, lost: 2 });
});
