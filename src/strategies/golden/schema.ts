import * as v from "valibot";
import { UnmaskError } from "../../core/errors.ts";
import { ORACLE_DEFAULTS } from "../oracle/oracle-logits.ts";

/** Golden files (`dlm-golden-1`) as they are read from disk. Only what a replay compares is named here. */

const MAX_CELLS = 4096;
const MAX_STEPS = 20_000;

const int = v.pipe(v.number(), v.integer());
const seed = v.pipe(int, v.minValue(0), v.maxValue(0xffff_ffff));
/** `seed * 7919 + 11`, which the hash takes modulo 2^32. */
const randomSeed = v.pipe(int, v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const small = v.pipe(int, v.minValue(0), v.maxValue(MAX_CELLS));
const ids = v.pipe(v.array(v.pipe(int, v.minValue(0), v.maxValue(65_535))), v.maxLength(MAX_CELLS));
const signed = v.pipe(int, v.minValue(-65_536), v.maxValue(65_536));

const oracle = v.strictObject({
  V: v.optional(v.pipe(int, v.minValue(2), v.maxValue(MAX_CELLS)), ORACLE_DEFAULTS.V),
  mask: v.optional(small, ORACLE_DEFAULTS.mask),
  W: v.optional(v.pipe(int, v.minValue(0), v.maxValue(64)), ORACLE_DEFAULTS.W),
  base: v.optional(signed, ORACLE_DEFAULTS.base),
  spread: v.optional(signed, ORACLE_DEFAULTS.spread),
  rise: v.optional(signed, ORACLE_DEFAULTS.rise),
  jit: v.optional(signed, ORACLE_DEFAULTS.jit),
  swing: v.optional(signed, ORACLE_DEFAULTS.swing),
  keep: v.optional(signed, ORACLE_DEFAULTS.keep),
  gapMin: v.optional(signed, ORACLE_DEFAULTS.gapMin),
  gapSpan: v.optional(signed, ORACLE_DEFAULTS.gapSpan),
  shift: v.optional(v.picklist([0, 1]), 0),
  specials: v.optional(v.pipe(v.array(v.tuple([small, int, int, int])), v.maxLength(64)), []),
});

const stepSchema = v.looseObject({
  h: seed,
  canvas: v.optional(ids),
  commit: v.optional(v.array(v.pipe(v.array(v.nullable(v.number())), v.minLength(2))), []),
  quota: v.optional(v.nullable(int)),
  remask: v.optional(v.array(v.pipe(v.array(v.number()), v.minLength(2))), []),
  overwrite: v.optional(v.array(v.pipe(v.array(v.nullable(v.number())), v.minLength(3))), []),
  newLen: v.optional(small),
  branches: v.optional(small),
  /** Cached forwards: first row and number of the rows computed, and the hash of what they were computed from. */
  rows: v.optional(v.tuple([small, small])),
  visHash: v.optional(seed),
});

const caseSchema = v.looseObject({
  id: v.string(),
  seed,
  oracle: v.optional(oracle, {}),
  hyper: v.record(v.string(), v.unknown()),
  prompt: ids,
  genLen: v.nullable(small),
  nfe: v.pipe(int, v.minValue(0)),
  rng: v.optional(v.looseObject({ rseed: randomSeed })),
  quirk: v.optional(v.boolean(), false),
  leftMasks: v.optional(small),
  stuck: v.optional(v.boolean(), false),
  steps: v.pipe(v.array(stepSchema), v.maxLength(MAX_STEPS)),
  final: ids,
});

/** A case that only has to be counted: its decoder is not built. */
const namedCase = v.looseObject({ id: v.string(), quirk: v.optional(v.boolean(), false) });

const quotaFile = v.looseObject({
  columns: v.array(v.string()),
  rows: v.pipe(
    v.array(
      v.pipe(
        v.array(v.union([small, v.array(small)])),
        v.check((row) => typeof row[0] === "number" && typeof row[1] === "number" && row[1] > 0),
      ),
    ),
    v.maxLength(MAX_STEPS),
  ),
});

const vectorFile = v.looseObject({
  hash: v.array(v.looseObject({ seed, words: ids, h: seed })),
  logits: v.array(
    v.looseObject({
      seed,
      canvas: ids,
      oracle: v.optional(oracle, {}),
      row: small,
      L: v.array(int),
      argmax: small,
      p1: v.number(),
    }),
  ),
  uniforms: v.optional(
    v.looseObject({ rseed: randomSeed, f64: v.array(v.number()), f32: v.array(v.number()) }),
  ),
});

/** A case, with the fields of its file that hold for all of them. */
export type GoldenCase = v.InferOutput<typeof caseSchema> & {
  readonly file: Readonly<Record<string, unknown>>;
};
export type GoldenStep = v.InferOutput<typeof stepSchema>;
export type QuotaFile = v.InferOutput<typeof quotaFile>;
export type VectorFile = v.InferOutput<typeof vectorFile>;

const header = v.looseObject({
  format: v.literal("dlm-golden-1"),
  decoder: v.pipe(v.string(), v.maxLength(80)),
});

/** @throws UnmaskError `golden-invalid`, as all of the parsers here */
export function parseHeader(json: unknown): { readonly decoder: string } {
  return parse(header, json);
}

export function parseCases(json: unknown): readonly GoldenCase[] {
  const { cases: _cases, ...file } = parse(v.looseObject({ cases: v.unknown() }), json);
  const { cases } = parse(v.looseObject({ cases: v.array(caseSchema) }), json);
  for (const { id, prompt, oracle: parameters, genLen, final } of cases) {
    if (genLen !== null && genLen > MAX_CELLS - prompt.length) throw invalid(`case ${id}: too many cells`);
    if (genLen === 0 || final.length < prompt.length) throw invalid(`case ${id}: nothing to generate`);
    if (parameters.mask >= parameters.V) throw invalid(`case ${id}: the mask is outside the vocabulary`);
  }
  return cases.map((golden) => ({ ...golden, file }));
}

const batchStep = v.looseObject({
  batch: v.array(
    v.looseObject({
      h: seed,
      values: v.pipe(v.array(v.number()), v.minLength(1)),
      pick: small,
      commit: v.array(v.array(v.number())),
    }),
  ),
});
export type BatchStep = v.InferOutput<typeof batchStep>;

/** Cases that were recorded with several canvases at once: one `final` each. */
export function parseBatches(json: unknown): readonly {
  readonly golden: GoldenCase;
  readonly finals: readonly (readonly number[])[];
  readonly steps: readonly BatchStep[];
}[] {
  const file = parse(
    v.looseObject({
      cases: v.array(
        v.looseObject({
          final: v.pipe(v.array(ids), v.minLength(1)),
          steps: v.pipe(v.array(batchStep), v.maxLength(MAX_STEPS)),
        }),
      ),
    }),
    json,
  );
  return file.cases.map(({ final, steps, ...rest }) => {
    const [golden] = parseCases({ ...file, cases: [{ ...rest, final: final[0], steps: [] }] });
    return { golden: golden!, finals: final, steps };
  });
}

export function parseNamedCases(json: unknown): readonly { readonly id: string; readonly quirk: boolean }[] {
  return parse(v.looseObject({ cases: v.array(namedCase) }), json).cases;
}

export function parseQuotas(json: unknown): QuotaFile {
  return parse(quotaFile, json);
}

export function parseVectors(json: unknown): VectorFile {
  return parse(vectorFile, json);
}

/** A number, or null, among the arguments of the official function. */
export function hyperNumber(golden: GoldenCase, key: string): number | null {
  const value = golden.hyper[key];
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw invalid(`case ${golden.id}: hyper.${key} is not a number`);
  }
  return value;
}

/** A whole number among the arguments that is at least `least`, or null: sizes and step counts. */
export function hyperCount(golden: GoldenCase, key: string, least = 1): number | null {
  const value = hyperNumber(golden, key);
  if (value === null || (Number.isInteger(value) && value >= least && value <= MAX_STEPS)) return value;
  throw invalid(`case ${golden.id}: hyper.${key} is out of range`);
}

function parse<T extends v.GenericSchema>(schema: T, json: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw invalid(`${v.getDotPath(issue) ?? "the document"}: ${issue.message.slice(0, 200)}`);
}

function invalid(why: string): UnmaskError {
  return new UnmaskError("golden-invalid", `This is not a valid golden file: ${why}.`);
}
