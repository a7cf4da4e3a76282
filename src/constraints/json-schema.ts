import { constraintError } from "./errors.ts";
import { constants } from "./json-constant.ts";
import { integerPattern, MAX_INTEGER, numberPattern } from "./json-number.ts";
import { ANY_CHAR, choice, literal, optional, type Pattern, repeat, SPACE, sequence } from "./pattern.ts";
import { parseSearchRegex } from "./regex.ts";
import {
  bound,
  counts,
  follow,
  isRecord,
  list,
  refuseOthers,
  type Schema,
  type TypeName,
  typesOf,
} from "./schema-keywords.ts";

const MAX_DEPTH = 32;
const MAX_PROPERTIES = 100;
/** Most schemas met while references are followed; what they expand to is bounded by the automaton. */
const MAX_SCHEMAS = 5000;

const RANGE = ["minimum", "maximum"];
const KEYWORDS: Readonly<Record<TypeName, readonly string[]>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "minItems", "maxItems"],
  string: ["minLength", "maxLength", "pattern"],
  number: RANGE,
  integer: [...RANGE, "exclusiveMinimum", "exclusiveMaximum"],
  boolean: [],
  null: [],
};

/**
 * The JSON texts that a schema without recursion allows.
 *
 * Understood: `type` (one or several), `properties` (written in the order of the schema), `required`,
 * `additionalProperties` (a boolean; further properties are never written), `items`, `minItems`, `maxItems`,
 * `minLength`, `maxLength`, `pattern`, `minimum` and `maximum` (whole numbers), `exclusiveMinimum` and
 * `exclusiveMaximum` of integers, `enum`, `const`, `anyOf`, and `$ref` to a part of the same schema. Annotations are
 * skipped; any other keyword is refused, because ignoring it would break the promise.
 *
 * A text has no white space but one optional space behind a comma or a colon; strings are escaped as `JSON.stringify`
 * does; numbers have at most 15 digits before and behind the point. So every text is valid by the schema, though not
 * every valid text is written.
 *
 * @throws UnmaskError `invalid-options` with the path of the keyword
 */
export function parseJsonSchema(root: unknown, where = "constraint.jsonSchema"): Pattern {
  let schemas = 0;

  function value(schema: unknown, path: string, depth: number, refs: readonly string[]): Pattern {
    if (!isRecord(schema)) throw constraintError(path, `${path} must be a JSON schema object.`);
    if (depth > MAX_DEPTH)
      throw constraintError(path, `The JSON schema is nested more than ${MAX_DEPTH} deep.`);
    if (++schemas > MAX_SCHEMAS) {
      throw constraintError(where, `The JSON schema has more than ${MAX_SCHEMAS} parts.`);
    }
    if (schema["$ref"] !== undefined) {
      const ref = schema["$ref"];
      refuseOthers(schema, ["$ref"], path);
      if (typeof ref !== "string" || refs.includes(ref)) {
        throw constraintError(path, `${path}.$ref: a schema that contains itself is not supported.`);
      }
      return value(follow(root, ref, path), ref, depth + 1, [...refs, ref]);
    }
    if (schema["anyOf"] !== undefined) {
      refuseOthers(schema, ["anyOf"], path);
      const options = list(schema["anyOf"], `${path}.anyOf`);
      return choice(...options.map((option, i) => value(option, `${path}.anyOf.${i}`, depth + 1, refs)));
    }
    if ("const" in schema) {
      refuseOthers(schema, ["const", "type"], path);
      return constants([schema["const"]], schema, path);
    }
    if (schema["enum"] !== undefined) {
      refuseOthers(schema, ["enum", "type"], path);
      return constants(list(schema["enum"], `${path}.enum`), schema, path);
    }
    const types = typesOf(schema, path);
    refuseOthers(schema, ["type", ...types.flatMap((type) => KEYWORDS[type])], path);
    return choice(...types.map((type) => ofType(type, schema, path, depth, refs)));
  }

  function ofType(
    type: TypeName,
    schema: Schema,
    path: string,
    depth: number,
    refs: readonly string[],
  ): Pattern {
    switch (type) {
      case "object":
        return objectOf(schema, path, (property, name) =>
          value(property, `${path}.properties.${name}`, depth + 1, refs),
        );
      case "array":
        return arrayOf(schema, path, (items) => value(items, `${path}.items`, depth + 1, refs));
      case "string":
        return stringOf(schema, path);
      case "number":
        return numberOf(schema, path);
      case "integer":
        return integerOf(schema, path);
      case "boolean":
        return choice(literal("true"), literal("false"));
      case "null":
        return literal("null");
    }
  }

  return value(root, where, 0, []);
}

/** Properties in written order; optional ones may be left out, so the first comma depends on what came before. */
function objectOf(
  schema: Schema,
  path: string,
  property: (schema: unknown, name: string) => Pattern,
): Pattern {
  const properties = schema["properties"] ?? {};
  if (!isRecord(properties)) throw constraintError(path, `${path}.properties must be an object.`);
  if (typeof (schema["additionalProperties"] ?? true) !== "boolean") {
    throw constraintError(path, `${path}.additionalProperties must be true or false.`);
  }
  const names = Object.keys(properties);
  if (names.length > MAX_PROPERTIES) {
    throw constraintError(path, `${path}: an object has at most ${MAX_PROPERTIES} properties.`);
  }
  const required = list(schema["required"] ?? [], `${path}.required`);
  for (const name of required) {
    if (typeof name !== "string" || !names.includes(name)) {
      throw constraintError(path, `${path}.required names ${JSON.stringify(name)}, which is no property.`);
    }
  }
  const isRequired = names.map((name) => required.includes(name));
  const members = names.map((name) =>
    sequence(literal(`${JSON.stringify(name)}:`), SPACE, property(properties[name], name)),
  );

  const followers = (from: number): Pattern[] =>
    members.slice(from).map((member, i) => {
      const more = sequence(literal(","), SPACE, member);
      return isRequired[from + i] ? more : optional(more);
    });
  const options: Pattern[] = [];
  let mayBeEmpty = true;
  for (let first = 0; first < names.length && mayBeEmpty; first++) {
    options.push(sequence(members[first]!, ...followers(first + 1)));
    mayBeEmpty = !isRequired[first];
  }
  if (mayBeEmpty) options.push(sequence());
  return sequence(literal("{"), choice(...options), literal("}"));
}

function arrayOf(schema: Schema, path: string, element: (schema: unknown) => Pattern): Pattern {
  const [min, max] = counts(schema, "minItems", "maxItems", path);
  if (schema["items"] === undefined && max !== 0) {
    throw constraintError(path, `${path}: an array needs "items".`);
  }
  const options: Pattern[] = [];
  if (min === 0) options.push(literal("[]"));
  if (max !== 0) {
    const item = element(schema["items"]);
    const more = repeat(
      sequence(literal(","), SPACE, item),
      Math.max(min - 1, 0),
      max === null ? null : max - 1,
    );
    options.push(sequence(literal("["), item, more, literal("]")));
  }
  return choice(...options);
}

function stringOf(schema: Schema, path: string): Pattern {
  const [min, max] = counts(schema, "minLength", "maxLength", path);
  const pattern = schema["pattern"];
  if (pattern === undefined) return quoted(repeat(ANY_CHAR, min, max));
  if (typeof pattern !== "string") throw constraintError(path, `${path}.pattern must be a string.`);
  if (schema["minLength"] !== undefined || schema["maxLength"] !== undefined) {
    throw constraintError(path, `${path}: "pattern" cannot be combined with a length; write it as {m,n}.`);
  }
  return quoted(parseSearchRegex(pattern, `${path}.pattern`));
}

function numberOf(schema: Schema, path: string): Pattern {
  const [min, max] = [bound(schema, "minimum", path), bound(schema, "maximum", path)];
  if (min !== null && max !== null && min > max) {
    throw constraintError(path, `${path}: no number lies within the bounds.`);
  }
  return numberPattern(min, max);
}

function integerOf(schema: Schema, path: string): Pattern {
  const below = bound(schema, "exclusiveMinimum", path);
  const above = bound(schema, "exclusiveMaximum", path);
  const min = Math.max(
    bound(schema, "minimum", path) ?? -MAX_INTEGER,
    below === null ? -MAX_INTEGER : below + 1,
  );
  const max = Math.min(
    bound(schema, "maximum", path) ?? MAX_INTEGER,
    above === null ? MAX_INTEGER : above - 1,
  );
  if (min > max) throw constraintError(path, `${path}: no integer lies within the bounds.`);
  return integerPattern(min, max);
}

function quoted(body: Pattern): Pattern {
  return sequence(literal('"'), { type: "json-string", body }, literal('"'));
}
