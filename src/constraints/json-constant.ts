import { constraintError } from "./errors.ts";
import { choice, literal, type Pattern, SPACE, sequence } from "./pattern.ts";
import { isRecord, type Schema, TYPES, type TypeName, typesOf } from "./schema-keywords.ts";

const MAX_DEPTH = 32;

/** The given values that are of the schema's type, if it names one, written with the spaces that objects have. */
export function constants(values: readonly unknown[], schema: Schema, path: string): Pattern {
  const types = schema["type"] === undefined ? TYPES : typesOf(schema, path);
  const options = values.filter((value) => types.some((type) => isOfType(value, type)));
  if (options.length === 0) throw constraintError(path, `${path}: no value is allowed.`);
  return choice(...options.map((value) => constant(value, path, 0)));
}

function constant(value: unknown, path: string, depth: number): Pattern {
  if (depth > MAX_DEPTH)
    throw constraintError(path, `${path}: a value is nested more than ${MAX_DEPTH} deep.`);
  const isList = Array.isArray(value);
  if (!isList && !isRecord(value)) return literal(JSON.stringify(value) ?? "null");
  const parts = isList
    ? value.map((item) => constant(item, path, depth + 1))
    : Object.entries(value).map(([name, item]) =>
        sequence(literal(`${JSON.stringify(name)}:`), SPACE, constant(item, path, depth + 1)),
      );
  const joined = parts.flatMap((part, i) => (i === 0 ? [part] : [literal(","), SPACE, part]));
  return sequence(literal(isList ? "[" : "{"), ...joined, literal(isList ? "]" : "}"));
}

function isOfType(value: unknown, type: TypeName): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isRecord(value);
  if (type === "integer") return Number.isInteger(value);
  return type === typeof value;
}
