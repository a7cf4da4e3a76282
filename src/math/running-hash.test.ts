import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { runningSha256 } from "./running-hash.ts";

test("the digest is SHA-256 of everything so far, however it was cut, and a copy goes its own way", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37) >> 2);
  const expected = (end: number) => createHash("sha256").update(bytes.subarray(0, end)).digest("hex");
  for (const step of [1, 7, 63, 64, 65, 200]) {
    const hash = runningSha256();
    expect(hash.digest()).toBe(expected(0));
    for (let at = 0; at < bytes.length; at += step) {
      hash.update(bytes.subarray(at, at + step));
      const end = Math.min(at + step, bytes.length);
      expect(hash.digest()).toBe(expected(end));
      if (at === 0) {
        const copy = hash.copy();
        copy.update(Uint8Array.of(1, 2, 3));
        expect(copy.digest()).not.toBe(hash.digest());
      }
    }
  }
});
