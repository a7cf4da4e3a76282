import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTokenizer } from "./tokenizer.ts";

const FOLDER = new URL("../../convert/fixtures/a2d-qwen3-mdlm/", import.meta.url);
const file = readFileSync(new URL("tokenizer.json", FOLDER));
const config = readFileSync(new URL("tokenizer_config.json", FOLDER));
const tokenizer = createTokenizer(file, config, 512);

interface Added {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}
const { added_tokens } = JSON.parse(file.toString()) as { added_tokens: Added[] };
const special = added_tokens.filter((token) => token.special);

test("text survives the way to ids and back, whatever its script", () => {
  for (const text of ["a b  c\n\td", "Žluťoučký kůň", "日本語 🙂", "x\u0000y", "<<<>>>"]) {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  }
});

test("text never yields special tokens, and decoding skips them", () => {
  expect(special.length).toBeGreaterThan(0);
  const ids = new Set(special.map(({ id }) => id));
  for (const { id, content } of special) {
    const found = tokenizer.encode(`a${content}b`);
    expect(found.some((one) => ids.has(one))).toBe(false);
    expect(tokenizer.decode(found)).toBe(`a${content}b`);
    expect(tokenizer.decode([...tokenizer.encode("a"), id])).toBe("a");
    expect(tokenizer.piece(id)).toBe("");
  }
});

test("a piece is text, or bytes when it is part of a character; together they are the text", () => {
  const ids = tokenizer.encode("é🙂");
  const pieces = Array.from(ids, (id) => tokenizer.piece(id));
  expect(pieces.some((piece) => typeof piece !== "string")).toBe(true);
  const bytes = pieces.flatMap((piece) =>
    typeof piece === "string" ? Array.from(new TextEncoder().encode(piece)) : [...piece],
  );
  expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe("é🙂");
  expect(tokenizer.piece(511)).toBe("");
});

test("files that are no tokenizer are refused with one code", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  for (const bad of [
    "",
    "[]",
    "{}",
    "<html>",
    '{"model":{"vocab":{"a":-1}}}',
    '{"model":{"type":"Magic","vocab":{}}}',
  ]) {
    expect(() => createTokenizer(bytes(bad), undefined, 512)).toThrow(
      expect.objectContaining({ code: "tokenizer-invalid" }),
    );
  }
  expect(() => createTokenizer(file, config, 4)).toThrow(
    expect.objectContaining({ code: "tokenizer-invalid" }),
  );
});

/** Words by their names, split at spaces. */
function wordTokenizer(vocab: string, added = "[]") {
  const json = `{"added_tokens":${added},"pre_tokenizer":{"type":"WhitespaceSplit"},"model":{"type":"WordPiece","unk_token":"?","continuing_subword_prefix":"##","vocab":${vocab}}}`;
  return createTokenizer(new TextEncoder().encode(json), undefined, 512);
}

test("names of objects are ordinary tokens", () => {
  const names = ["constructor", "prototype", "__proto__", "toString", "hasOwnProperty"];
  const vocab = `{"?":0,${names.map((name, i) => `${JSON.stringify(name)}:${i + 1}`).join(",")}}`;
  const words = wordTokenizer(vocab, '[{"id":9,"content":"valueOf","special":true}]');
  expect([...words.encode(`${names.join(" ")} valueOf`)]).toEqual([1, 2, 3, 4, 5, 0]);
  expect(words.added).toEqual([{ id: 9, content: "valueOf", special: true }]);
  expect(wordTokenizer(vocab, '[{"id":4294967296,"content":"x"}]').added).toEqual([]);
  expect(({} as Record<string, unknown>)["toString"]).toBe(Object.prototype.toString);
});

test("hostile files are refused with the same code, soon and without a trace", () => {
  const began = performance.now();
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  const bad = [
    () => wordTokenizer('{"a":1e99}'),
    () => wordTokenizer('{"a":0.5}'),
    () => wordTokenizer('{"a":"1"}'),
    () => wordTokenizer('{"a":512}'),
    () => wordTokenizer('{"a":1}', '[{"id":1,"content":{"__proto__":1}}]'),
    () => wordTokenizer(deep),
    () => createTokenizer(new Uint8Array(64_000_001), undefined, 512),
    () => {
      const pattern = '{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated","invert":false}';
      const json = `{"pre_tokenizer":${pattern},"model":{"type":"WordPiece","unk_token":"?","vocab":{"?":0}}}`;
      return createTokenizer(new TextEncoder().encode(json), undefined, 512);
    },
  ];
  for (const make of bad) {
    expect(make, String(make)).toThrow(expect.objectContaining({ code: "tokenizer-invalid" }));
  }
  expect(performance.now() - began).toBeLessThan(20_000);
});
