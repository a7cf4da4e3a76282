import fc from "fast-check";
import { expect, test } from "vitest";
import { deriveInt8 } from "./derive-int8.ts";

/** One matrix `[n, 64]` at the start of a source file: packed codes, then two f32 scales a row. */
function plan(n: number, bits: 4 | 8) {
  const packedBytes = (n * 64 * bits) / 8;
  const matrix = { n, k: 64, bits, packed: 0, scales: packedBytes, scaleType: "f32" as const };
  const copies = [{ from: 0, to: n * 64 + n * 4, bytes: 4 }];
  return {
    location: "onnx/x",
    bytes: n * 64 + n * 4 + 4,
    matrices: [{ ...matrix, weights: 0, channelScales: n * 64 }],
    copies,
  };
}

test("every derived weight is within half a step of the stored one, transposed, and copies are copied", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 70 }),
      fc.constantFrom(4 as const, 8 as const),
      fc.nat(255),
      (n, bits, salt) => {
        const derive = plan(n, bits);
        const packed = Uint8Array.from({ length: (n * 64 * bits) / 8 }, (_, i) => (i * 37 + salt) & 255);
        const scales = Float32Array.from({ length: n * 2 }, (_, i) => 0.01 + ((i * salt) % 7) / 10);
        const source = new Uint8Array([...packed, ...new Uint8Array(scales.buffer)]);
        const out = deriveInt8(source, derive);
        const codes = new Int8Array(out.buffer, 0, n * 64);
        const channels = new Float32Array(out.slice(n * 64, n * 68).buffer);
        for (let row = 0; row < n; row++) {
          for (let col = 0; col < 64; col++) {
            const at = row * 64 + col;
            const code = bits === 8 ? packed[at]! - 128 : ((packed[at >> 1]! >> ((at & 1) * 4)) & 15) - 8;
            const stored = code * scales[row * 2 + (col >> 5)]!;
            const derived = codes[col * n + row]! * channels[row]!;
            expect(Math.abs(derived - stored)).toBeLessThanOrEqual(channels[row]! * 0.5001);
          }
        }
        expect(out.slice(n * 68)).toEqual(packed.slice(0, 4));
      },
    ),
    { numRuns: 30 },
  );
});
