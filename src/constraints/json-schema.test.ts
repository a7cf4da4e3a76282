import fc from "fast-check";
import { expect, test } from "vitest";
import { UnmaskError } from "../core/errors.ts";
import { type ByteDfa, determinise, runDfa } from "./dfa.ts";
import { parseJsonSchema } from "./json-schema.ts";
import { compileNfa } from "./nfa.ts";
import { utf8Bytes } from "./utf8.ts";

type Schema = Readonly<Record<string, unknown>>;

function compile(schema: unknown): ByteDfa {
  return determinise(compileNfa(parseJsonSchema(schema)));
}

function matches(dfa: ByteDfa, text: string): boolean {
  const state = runDfa(dfa, dfa.start, utf8Bytes(text));
  return state >= 0 && dfa.accepting[state] === 1;
}

/** A text of the language, its bytes chosen by `picks`; straight to an end once the picks are used up. */
function sample(dfa: ByteDfa, picks: readonly number[]): string {
  const distance = distances(dfa);
  const bytes: number[] = [];
  let state = dfa.start;
  for (let i = 0; i < picks.length || dfa.accepting[state] === 0; i++) {
    const edges: number[] = [];
    for (let byte = 0; byte < 256; byte++) {
      const to = runDfa(dfa, state, [byte]);
      if (to >= 0 && (i < picks.length || distance[to]! < distance[state]!)) edges.push(byte);
    }
    if (edges.length === 0) break;
    bytes.push(edges[(picks[i] ?? 0) % edges.length]!);
    state = runDfa(dfa, dfa.start, bytes);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
}

/** Bytes from each state to the nearest accepting one. */
function distances(dfa: ByteDfa): number[] {
  const distance = Array.from(dfa.accepting, (flag) => (flag === 1 ? 0 : Number.POSITIVE_INFINITY));
  for (let changed = true; changed; ) {
    changed = false;
    for (let state = 0; state < dfa.states; state++) {
      for (let c = 0; c < dfa.classes; c++) {
        const to = dfa.next[state * dfa.classes + c]!;
        if (to < 0 || distance[to]! + 1 >= distance[state]!) continue;
        distance[state] = distance[to]! + 1;
        changed = true;
      }
    }
  }
  return distance;
}

/** What the specification says, written independently of the automaton. */
function isValid(schema: Schema, value: unknown): boolean {
  if (schema["anyOf"] !== undefined)
    return (schema["anyOf"] as Schema[]).some((option) => isValid(option, value));
  if (schema["enum"] !== undefined) {
    return (schema["enum"] as unknown[]).some((option) => JSON.stringify(option) === JSON.stringify(value));
  }
  const types = [schema["type"]].flat();
  const low = (schema["minimum"] ?? Number.NEGATIVE_INFINITY) as number;
  const high = (schema["maximum"] ?? Number.POSITIVE_INFINITY) as number;
  if (value === null) return types.includes("null");
  if (typeof value === "boolean") return types.includes("boolean");
  if (typeof value === "number") {
    const typed = types.includes("number") || (types.includes("integer") && Number.isInteger(value));
    return typed && value >= low && value <= high;
  }
  if (typeof value === "string") {
    const length = Array.from(value).length;
    const pattern = new RegExp((schema["pattern"] ?? "") as string, "u");
    return (
      types.includes("string") &&
      length >= ((schema["minLength"] ?? 0) as number) &&
      length <= ((schema["maxLength"] ?? 1e9) as number) &&
      pattern.test(value)
    );
  }
  if (Array.isArray(value)) {
    return (
      types.includes("array") &&
      value.length >= ((schema["minItems"] ?? 0) as number) &&
      value.length <= ((schema["maxItems"] ?? 1e9) as number) &&
      value.every((item) => isValid(schema["items"] as Schema, item))
    );
  }
  const properties = (schema["properties"] ?? {}) as Record<string, Schema>;
  const entries = Object.entries(value as object);
  return (
    types.includes("object") &&
    ((schema["required"] ?? []) as string[]).every((name) => Object.hasOwn(value as object, name)) &&
    entries.every(([name, item]) => properties[name] !== undefined && isValid(properties[name], item))
  );
}

const range = fc
  .tuple(fc.integer({ min: -1200, max: 1200 }), fc.nat(1500), fc.constantFrom("both", "min", "max", "none"))
  .map(([low, width, ends]) => ({
    ...(ends === "both" || ends === "min" ? { minimum: low } : {}),
    ...(ends === "both" || ends === "max" ? { maximum: low + width } : {}),
  }));

const schema: fc.Arbitrary<Schema> = fc.letrec<{ node: Schema }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    range.map((ends) => ({ type: "integer", ...ends })),
    range.map((ends) => ({ type: "number", ...ends })),
    fc.constantFrom<Schema>(
      { type: "boolean" },
      { type: "null" },
      { type: "string" },
      { type: "string", minLength: 1, maxLength: 3 },
      { type: "string", pattern: '^[a-c]+["\\\\\\n]?$' },
      { type: "string", pattern: "é" },
      { type: ["string", "null"], maxLength: 2 },
      { enum: ["red", 'a"b', 3, null, { x: [1, 2] }] },
    ),
    fc.tuple(tie("node"), fc.nat(2), fc.nat(2)).map(([items, minItems, more]) => ({
      type: "array",
      items,
      minItems,
      maxItems: minItems + more,
    })),
    fc
      .tuple(
        fc.dictionary(fc.constantFrom("a", "b", "name", 'q"', "é"), tie("node"), { maxKeys: 4 }),
        fc.nat(31),
      )
      .map(([properties, bits]) => ({
        type: "object",
        properties,
        required: Object.keys(properties).filter((_, i) => (bits >> i) % 2 === 1),
        additionalProperties: false,
      })),
    fc.tuple(tie("node"), tie("node")).map((anyOf) => ({ anyOf })),
  ),
})).node;

test("every text is valid by the schema", () => {
  fc.assert(
    fc.property(schema, fc.array(fc.nat(5000), { maxLength: 60 }), (input, picks) => {
      const dfa = compile(input);
      const text = sample(dfa, picks);
      expect(matches(dfa, text)).toBe(true);
      expect([text, isValid(input, JSON.parse(text))]).toEqual([text, true]);
    }),
    { numRuns: 300 },
  );
});

test("an integer range is met exactly", () => {
  fc.assert(
    fc.property(range, fc.array(fc.integer({ min: -3000, max: 3000 }), { minLength: 20 }), (ends, values) => {
      const dfa = compile({ type: "integer", ...ends });
      const edges = Object.values(ends).flatMap((end) => [end - 1, end, end + 1]);
      for (const value of [...values, ...edges, 0]) {
        expect([ends, value, matches(dfa, String(value))]).toEqual([
          ends,
          value,
          isValid({ type: "integer", ...ends }, value),
        ]);
      }
    }),
  );
});

test("a number range is met exactly", () => {
  fc.assert(
    fc.property(
      range,
      fc.array(fc.integer({ min: -30000, max: 30000 }), { minLength: 20 }),
      (ends, tenths) => {
        const dfa = compile({ type: "number", ...ends });
        const edges = Object.values(ends).flatMap((end) => [10 * end - 1, 10 * end, 10 * end + 1]);
        for (const tenth of [...tenths, ...edges]) {
          const text = (tenth / 10).toFixed(1);
          expect([ends, text, matches(dfa, text)]).toEqual([
            ends,
            text,
            isValid({ type: "number", ...ends }, Number(text)),
          ]);
        }
      },
    ),
  );
});

test("properties stand in written order and optional ones may be left out", () => {
  const number = { type: "integer", minimum: 0, maximum: 9 };
  const dfa = compile({ type: "object", properties: { a: number, b: number, c: number }, required: ["b"] });
  for (const text of ['{"b":1}', '{"a":1,"b":2}', '{"b": 1, "c": 2}', '{"a":1,"b":2,"c":3}']) {
    expect([text, matches(dfa, text)]).toEqual([text, true]);
  }
  for (const text of [
    "{}",
    '{"a":1}',
    '{"b":1,"a":2}',
    '{,"b":1}',
    '{"b":1,}',
    '{"b":1}x',
    '{"b":1,"d":2}',
  ]) {
    expect([text, matches(dfa, text)]).toEqual([text, false]);
  }
});

test("strings are escaped as JSON.stringify writes them", () => {
  const dfa = compile({ type: "string" });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      expect(matches(dfa, JSON.stringify(value))).toBe(true);
    }),
  );
  expect(matches(dfa, '"a\nb"')).toBe(false);
  expect(matches(dfa, '"a"b"')).toBe(false);
  expect(matches(dfa, '"\\x"')).toBe(false);
});

test("a length counts characters, not bytes", () => {
  const dfa = compile({ type: "string", minLength: 2, maxLength: 2 });
  expect(matches(dfa, '"é😀"')).toBe(true);
  expect(matches(dfa, '"\\n\\""')).toBe(true);
  expect(matches(dfa, '"é"')).toBe(false);
});

test("references within the schema are followed", () => {
  const dfa = compile({
    type: "array",
    items: { $ref: "#/$defs/colour" },
    $defs: { colour: { enum: ["red", "blue"] } },
  });
  expect(matches(dfa, '["red", "blue","red"]')).toBe(true);
  expect(matches(dfa, '["green"]')).toBe(false);
});

const recursive = {
  $ref: "#/$defs/tree",
  $defs: { tree: { type: "array", items: { $ref: "#/$defs/tree" } } },
};
const chain = {
  ...Object.fromEntries(
    Array.from({ length: 14 }, (_, i) => [
      `d${i}`,
      { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
    ]),
  ),
  d14: { type: "null" },
};

test.each<[string, unknown, string]>([
  ["an unknown keyword", { type: "string", format: "date" }, 'keyword "format"'],
  [
    "an unknown keyword in a property",
    { type: "object", properties: { a: { type: "null", oneOf: [] } } },
    '"oneOf"',
  ],
  ["a keyword of another type", { type: "string", minimum: 3 }, '"minimum"'],
  ["an unknown type", { type: "date" }, "no type"],
  ["no type", {}, 'needs a "type"'],
  ["an array of anything", { type: "array" }, 'needs "items"'],
  ["a required name that is no property", { type: "object", required: ["x"] }, "no property"],
  ["an empty range", { type: "integer", minimum: 3, maximum: 2 }, "no integer"],
  ["an empty number range", { type: "number", minimum: 3, maximum: 2 }, "no number"],
  ["a fractional bound", { type: "number", minimum: 0.5 }, "whole number"],
  ["a length that is none", { type: "string", maxLength: -1 }, "no length"],
  ["an enum without a value of its type", { type: "string", enum: [1] }, "no value"],
  ["a bad pattern", { type: "string", pattern: "(" }, "position 0"],
  ["recursion", recursive, "contains itself"],
  ["a reference that leads nowhere", { $ref: "#/$defs/x" }, "must be a JSON schema"],
  ["a reference that doubles", { $ref: "#/$defs/d0", $defs: chain }, "more than 5000 parts"],
  ["a huge array", { type: "array", items: { type: "null" }, minItems: 1e12 }, "too large"],
  ["a schema that is true", true, "must be a JSON schema"],
])("%s is refused by name", (_case, input, message) => {
  let error: unknown;
  try {
    compile(input);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(UnmaskError);
  expect((error as UnmaskError).code).toBe("invalid-options");
  expect((error as UnmaskError).message).toContain(message);
});
