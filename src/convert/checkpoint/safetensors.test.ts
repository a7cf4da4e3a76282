import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isUnmaskError } from "../../core/errors.ts";
import { memorySource } from "./byte-source.ts";
import { checkFinite, readFloats, readSafetensors } from "./safetensors.ts";

/** A file with this header text and this much data. */
function file(header: string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(header);
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(text.length), true);
  return new Uint8Array([...prefix, ...text, ...data]);
}

const read = (bytes: Uint8Array) => readSafetensors(memorySource(bytes), "x.safetensors");
const entry = (begin: number, end: number, dtype = "F32", shape = [(end - begin) / 4]) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

test("what is written is read back, at any alignment", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 9 }), {
        maxLength: 5,
      }),
      fc.nat(7),
      async (tensors, pad) => {
        let at = 0;
        const parts = tensors.map((values, i) => {
          const begin = at;
          at += values.length * 4;
          return `"t${i}":${entry(begin, at)}`;
        });
        const data = new Uint8Array(Float32Array.from(tensors.flat()).buffer);
        const found = await read(file(`{${parts.join(",")}}${" ".repeat(pad)}`, data));
        for (const [i, values] of tensors.entries()) {
          expect(Array.from(await readFloats(found.get(`t${i}`)!))).toEqual(values);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("random bytes end in a typed error or a table, never anything else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (noise) => {
      for (const bytes of [noise, file(new TextDecoder("latin1").decode(noise), noise)]) {
        await read(bytes).catch((error) => expect(isUnmaskError(error)).toBe(true));
      }
    }),
  );
});

describe("a defect is named", () => {
  const data = new Uint8Array(8);
  test.each([
    ["a hole", `{"a":${entry(4, 8)}}`, /hole.*a/],
    ["trailing bytes", `{"a":${entry(0, 4)}}`, /4 bytes follow/],
    ["overlap", `{"a":${entry(0, 8)},"b":${entry(4, 8)}}`, /overlap/],
    ["a duplicate key", `{"a":${entry(0, 8)},"\\u0061":${entry(0, 8)}}`, /a stands twice/],
    ["an unknown dtype", `{"a":${entry(0, 8, "Q9", [2])}}`, /a has the unknown dtype Q9/],
    ["an inherited dtype", `{"a":${entry(0, 8, "constructor", [2])}}`, /unknown dtype/],
    ["a wrong size", `{"a":${entry(0, 8, "F32", [3])}}`, /a is F32 \[3\]/],
    ["negative dims", `{"a":${entry(0, 8, "F32", [-1, -2])}}`, /a has no valid shape/],
    ["a wrapped product", `{"a":${entry(0, 8, "F32", [2 ** 32, 2 ** 32])}}`, /a is F32/],
    ["the end of the file", `{"a":${entry(0, 16)}}`, /a ends at byte/],
  ])("%s", async (_, header, message) => {
    await expect(read(file(header, data))).rejects.toThrow(message);
  });
});

test("NaN in a weight is an error that names the tensor", async () => {
  const found = await read(file(`{"a":${entry(0, 4)}}`, new Uint8Array(Float32Array.of(Number.NaN).buffer)));
  await expect(checkFinite([...found.values()])).rejects.toThrow(/a \(NaN at element 0\)/);
});
