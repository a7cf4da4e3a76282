import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTokenizer } from "./tokenizer.ts";

const FOLDER = new URL("../convert/fixtures/a2d-qwen3-mdlm/", import.meta.url);
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
