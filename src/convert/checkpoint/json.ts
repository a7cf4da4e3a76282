import { UnmaskError } from "../../core/errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws UnmaskError `checkpoint-invalid` when `text` is not JSON or not an object. */
export function parseJsonObject(text: string, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UnmaskError("checkpoint-invalid", `${what} is not valid JSON.`, { cause });
  }
  if (!isObject(value)) throw new UnmaskError("checkpoint-invalid", `${what} is not a JSON object.`);
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The own property `key`; a key named `__proto__` in a file can therefore lend nothing. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * A key that stands twice at the top level of the valid JSON object `text`: `JSON.parse` keeps the last silently. Not by a
 * regular expression, whose stack a long string would overflow.
 */
export function duplicateKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  let start = 0;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      start = at;
      at = stringEnd(text, at);
      end = at + 1;
    } else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    else if (char === ":" && depth === 1) {
      const key = JSON.parse(text.slice(start, end)) as string; // a key is a string
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

/** Offset of the quote that ends the string beginning at `start`. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
