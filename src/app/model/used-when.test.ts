import { expect, test } from "vitest";
import { usedWhen } from "./used-when.ts";

test("days are counted from midnight to midnight, then weeks, then months", () => {
  const now = new Date(2026, 10, 21, 0, 30).getTime();
  const before = (days: number, hours = 0) => usedWhen(now - (days * 24 + hours) * 3_600_000, now);
  expect(before(0)).toBe("used today");
  expect(before(0, 1)).toBe("used yesterday");
  expect(before(3)).toBe("used 3 days ago");
  expect(before(21)).toBe("used 3 weeks ago");
  expect(before(92)).toBe("used 3 months ago");
  expect(usedWhen(now + 3_600_000, now)).toBe("used today");
});
