import { UnmaskError } from "../core/errors.ts";

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

/** A key that stands twice at the top level of the valid JSON object `text`: `JSON.parse` keeps the last silently. */
export function duplicateKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  let lastString = "";
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const piece = match[0];
    if (piece === "{" || piece === "[") depth++;
    else if (piece === "}" || piece === "]") depth--;
    else if (piece !== ":") lastString = piece;
    else if (depth === 1) {
      const key = JSON.parse(lastString) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}
