import fc from "fast-check";
import { expect, test } from "vitest";
import { clone } from "./clone.ts";

test("plain data is copied as structuredClone does", () => {
  fc.assert(
    fc.property(
      fc.anything({ withMap: true, withSet: true, withTypedArray: true, withNullPrototype: false }),
      (value) => {
        expect(clone(value)).toEqual(structuredClone(value));
      },
    ),
  );
});

test("nothing is shared with the original", () => {
  const ids = Int32Array.of(1, 2, 3, 4);
  const value = { ids: ids.subarray(1, 3), bySlot: new Map([[3, { seen: [1] }]]) };
  const copied = clone(value);
  ids.fill(9);
  value.bySlot.get(3)!.seen.push(2);
  expect(copied).toEqual({ ids: Int32Array.of(2, 3), bySlot: new Map([[3, { seen: [1] }]]) });
});
