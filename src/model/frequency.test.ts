import { expect, test } from "vitest";
import { parseFrequency } from "./frequency.ts";

test("bytes are log-frequencies, 0 is never", () => {
  const [common, rare, never] = parseFrequency("ffef00", 3);
  expect(common! / rare!).toBeCloseTo(Math.E, 12);
  expect(common! + rare!).toBeCloseTo(1, 12);
  expect(never).toBe(0);
});

test.each(["ff", "ffff0", "zz0000"])("%s does not fit three tokens", (hex) => {
  expect(() => parseFrequency(hex, 3)).toThrow(expect.objectContaining({ code: "manifest-invalid" }));
});
