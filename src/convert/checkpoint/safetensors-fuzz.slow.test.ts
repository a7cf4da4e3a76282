import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isUnmaskError } from "../../core/errors.ts";
import { hash3 } from "../../core/random.ts";
import { memorySource } from "./byte-source.ts";
import { readFloats, readSafetensors } from "./safetensors.ts";

/** Ten thousand headers, each wrong in a few places: a table of tensors inside the file, or a typed error. */
const FIXTURE = join(import.meta.dirname, "../fixtures/a2d-qwen3-outlier/model.safetensors");
const ROUNDS = 10_000;

/** What stands in a header, and what does not belong there. */
const SNIPPETS = [
  "-1",
  "1e400",
  "9007199254740993",
  "18446744073709551616",
  "0.5",
  "null",
  "[]",
  "{}",
  '"__proto__"',
  '"constructor"',
  '"F32"',
  '"F8_E4M3"',
  '"I64"',
  "\\u0000",
  "\u{1f642}",
  ",",
  ":",
  "]",
  "}",
  "[",
  "{",
  '"',
  "0",
  "00",
  " ",
  "\n",
  "\\",
];

test("mutated headers never end in anything else", async () => {
  const original = new Uint8Array(await readFile(FIXTURE));
  const length = Number(new DataView(original.buffer).getBigUint64(0, true));
  const header = new TextDecoder().decode(original.subarray(8, 8 + length));
  const data = original.subarray(8 + length);
  let accepted = 0;
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const draw = (what: number, below: number) => hash3(1, round, what, 0) % below;
    const text = new TextEncoder().encode(mutate(header, draw));
    const bytes = new Uint8Array(8 + text.length + data.length);
    const claimed = draw(90, 40) === 0 ? BigInt(draw(91, 2 ** 31)) ** 2n : BigInt(text.length);
    new DataView(bytes.buffer).setBigUint64(0, claimed, true);
    bytes.set(text, 8);
    bytes.set(data, 8 + text.length);
    const whole = draw(92, 20) === 0 ? bytes.subarray(0, draw(93, bytes.length)) : bytes;
    try {
      const tensors = await readSafetensors(memorySource(whole), "fuzz.safetensors");
      for (const tensor of tensors.values()) {
        expect(tensor.offset + tensor.bytes).toBeLessThanOrEqual(whole.length);
        if (round % 100 === 0) await readFloats(tensor).catch(expectTyped);
      }
      accepted++;
    } catch (error) {
      expectTyped(error);
      refused++;
    }
  }
  expect({}).not.toHaveProperty("polluted");
  // Renamed tensors and metadata are still a valid file; most mutations are not.
  expect(accepted).toBeGreaterThan(ROUNDS / 100);
  expect(refused).toBeGreaterThan(ROUNDS / 2);
});

function expectTyped(error: unknown): void {
  if (!isUnmaskError(error)) throw error;
  expect(error.code).toMatch(/^checkpoint-/);
  expect(error.message.length).toBeLessThan(1000);
}

/** One to three cuts, copies, insertions, changed digits or changed characters. */
function mutate(header: string, draw: (what: number, below: number) => number): string {
  let text = header;
  for (let change = 0; change <= draw(0, 3); change++) {
    const base = 10 * (change + 1);
    const at = draw(base, text.length);
    const span = draw(base + 1, 40);
    const snippet = SNIPPETS[draw(base + 2, SNIPPETS.length)]!;
    const [before, inside, after] = [text.slice(0, at), text.slice(at, at + span), text.slice(at + span)];
    const edits = [
      before + after,
      before + inside + inside + after,
      before + snippet + inside + after,
      before + snippet + after,
      before + inside.replace(/\d/, String(draw(base + 3, 10))) + after,
      before + inside.replace(/[a-z]/, String.fromCharCode(draw(base + 3, 128))) + after,
    ];
    text = edits[draw(base + 4, edits.length)]!;
  }
  return text;
}
