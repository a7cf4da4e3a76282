import { nearest } from "../core/nearest.ts";
import { constraintError } from "./errors.ts";
import { MAX_INTEGER } from "./json-number.ts";

/** Reading the keywords of a JSON schema; every error names the path. */
export type Schema = Readonly<Record<string, unknown>>;

export const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
export type TypeName = (typeof TYPES)[number];

/** Keywords that say nothing about the value. */
const ANNOTATIONS = ["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];
const HEADERS = ["$schema", "$id", "$comment", "$defs", "definitions"];

/** The types that `type` names, one or several. */
export function typesOf(schema: Schema, path: string): TypeName[] {
  const named = schema["type"];
  const types = Array.isArray(named) ? named : [named];
  if (named === undefined || types.length === 0) {
    throw constraintError(path, `${path} needs a "type", "enum", "const" or "anyOf".`);
  }
  return types.map((type) => {
    const known = TYPES.find((name) => name === type);
    if (known === undefined)
      throw constraintError(path, `${path}: there is no type ${JSON.stringify(type)}.`);
    return known;
  });
}

export function refuseOthers(schema: Schema, allowed: readonly string[], path: string): void {
  for (const key of Object.keys(schema)) {
    if (allowed.includes(key) || ANNOTATIONS.includes(key) || HEADERS.includes(key)) continue;
    const near = nearest(key, allowed);
    throw constraintError(
      path,
      `${path}: the keyword "${key.slice(0, 60)}" is not supported here. The nearest that is: "${near}".`,
      { keyword: key.slice(0, 60) },
    );
  }
}

/** The part of the schema that a local reference such as `#/$defs/name` points to. */
export function follow(root: unknown, ref: string, path: string): unknown {
  if (!ref.startsWith("#")) throw constraintError(path, `${path}.$ref must begin with "#".`);
  let part = root;
  for (const step of ref.slice(1).split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    part = isRecord(part) && Object.hasOwn(part, key) ? part[key] : undefined;
  }
  return part;
}

export function counts(
  schema: Schema,
  low: string,
  high: string,
  path: string,
): [min: number, max: number | null] {
  const min = bound(schema, low, path) ?? 0;
  const max = bound(schema, high, path);
  if (min < 0 || (max !== null && max < min)) {
    throw constraintError(path, `${path}: "${low}" and "${high}" leave no length.`);
  }
  return [min, max];
}

export function bound(schema: Schema, key: string, path: string): number | null {
  const value = schema[key];
  if (value === undefined) return null;
  if (typeof value !== "number" || !Number.isInteger(value) || Math.abs(value) > MAX_INTEGER) {
    throw constraintError(path, `${path}.${key} must be a whole number of at most 15 digits.`);
  }
  return value;
}

export function list(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw constraintError(path, `${path} must be a list.`);
  return value;
}

export function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
