import fc from "fast-check";
import { expect, test } from "vitest";
import { fromBrainHalf, fromHalf, toHalf } from "./half.ts";

test("every f16 survives the way to f32 and back", () => {
  const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const back = toHalf(fromHalf(all));
  const isNan = (bits: number) => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
  expect(all.filter((bits, i) => !isNan(bits) && back[i] !== bits)).toHaveLength(0);
});

test("rounding picks the nearest f16, ties to even", () => {
  const values = fromHalf(Uint16Array.from({ length: 0x7c00 }, (_, i) => i));
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0x7bfe }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (i, part) => {
        const x = Math.fround(values[i]! + part * (values[i + 1]! - values[i]!));
        const down = x - values[i]!;
        const up = values[i + 1]! - x;
        const expected = down < up || (down === up && i % 2 === 0) ? i : i + 1;
        expect(toHalf(Float32Array.of(x))[0]).toBe(expected);
      },
    ),
  );
  expect(Array.from(toHalf(Float32Array.of(65_519, 65_520, -1e9, 1e-9)))).toEqual([
    0x7bff, 0x7c00, 0xfc00, 0,
  ]);
});

test("bf16 is the upper half of an f32", () => {
  expect(Array.from(fromBrainHalf(Uint16Array.of(0x3f80, 0xc000, 0)))).toEqual([1, -2, 0]);
});
