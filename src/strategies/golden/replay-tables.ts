import { hashWords } from "../../core/random.ts";
import { goldenRandom } from "../oracle/golden-random.ts";
import { oracleLogits } from "../oracle/oracle-logits.ts";
import { dllmCosineQuota, dllmLinearQuota, dreamQuota, lladaQuota } from "../pieces/quota.ts";
import type { CaseOutcome } from "./replay.ts";
import { parseQuotas, parseVectors } from "./schema.ts";

const QUOTA_COLUMNS: Readonly<Record<string, (masks: number, steps: number) => readonly number[]>> = {
  llada: lladaQuota,
  dllmLinear: dllmLinearQuota,
  dllmCosine: dllmCosineQuota,
  "dreamEps1e-3": dreamQuota,
};

/** Each row `[masks, steps, ...tables]` is one case. */
export function replayQuotas(json: unknown): readonly CaseOutcome[] {
  const { columns, rows } = parseQuotas(json);
  return rows.map((row) => {
    const [masks, steps] = row;
    const wrong = columns.slice(2).find((column, i) => {
      const table = Object.hasOwn(QUOTA_COLUMNS, column) ? QUOTA_COLUMNS[column] : undefined;
      return table === undefined || !equal(table(Number(masks), Number(steps)), row[i + 2]);
    });
    return outcome(`m${masks}-s${steps}`, wrong === undefined ? null : `column ${wrong} differs`);
  });
}

/** Each hash, each row of logits and the table of uniforms is one case. */
export function replayVectors(json: unknown): readonly CaseOutcome[] {
  const { hash, logits, uniforms } = parseVectors(json);
  const outcomes = hash.map(({ seed, words, h }, i) =>
    outcome(`hash-${i}`, hashWords(seed, words) === h ? null : "the hash differs"),
  );
  for (const [i, vector] of logits.entries()) {
    outcomes.push(outcome(`logits-${i}`, logitsMismatch(vector)));
  }
  if (uniforms !== undefined) {
    const random = goldenRandom(uniforms.rseed);
    const same =
      uniforms.f64.every((u, e) => random.float64(0, e) === u) &&
      uniforms.f32.every((u, e) => random.float32(0, e) === u);
    outcomes.push(outcome("uniforms", same ? null : "a uniform differs"));
  }
  return outcomes;
}

function logitsMismatch(vector: ReturnType<typeof parseVectors>["logits"][number]): string | null {
  const row = new Float32Array(vector.oracle.V);
  oracleLogits(vector.seed, vector.canvas, vector.row, vector.oracle, row);
  const scaled = Array.from(row, (logit) => logit * 1_048_576);
  if (!equal(scaled, vector.L)) return "the logits differ";
  const best = row.indexOf(Math.max(...row));
  if (best !== vector.argmax) return `the best id is ${best}`;
  const total = row.reduce((sum, logit) => sum + Math.exp(logit - row[best]!), 0);
  return Math.abs(1 / total - vector.p1) <= 2e-6 ? null : `p1 is ${1 / total}`;
}

function outcome(id: string, why: string | null): CaseOutcome {
  return { id, outcome: why === null ? "passed" : "failed", why: why ?? "" };
}

function equal(a: readonly number[], b: unknown): boolean {
  return Array.isArray(b) && a.length === b.length && a.every((value, i) => value === b[i]);
}
