import type { TensorEntry } from "../checkpoint/safetensors.ts";
import type { Matrix } from "../weights/weights.ts";
import type { TensorPlan } from "./tensor-plan.ts";
import type { Transformer } from "./transformer.ts";

const STRIDE = 4_000_000;

/** The output head of a model: the token table itself, or a matrix of its own. */
export interface Head {
  readonly matrix: Matrix;
  readonly warnings: Transformer["warnings"];
}

/**
 * Decides the head by what is stored: equal bytes mean tied; a different stored head is used (as transformers 5 does),
 * with a warning where config.json says the opposite.
 *
 * @param name of the stored head
 * @throws UnmaskError `checkpoint-invalid` when an untied head is missing
 */
export async function chooseHead(
  plan: TensorPlan,
  name: string,
  table: Matrix,
  tied: boolean,
): Promise<Head> {
  if (!plan.checkpoint.tensors.has(name) && tied) return { matrix: table, warnings: [] };
  const shape = [table.n, table.k];
  const [head, embedding] = [plan.entry(name, shape), plan.entry(table.name, shape)];
  const { fact, glance } = plan.checkpoint;
  const compare = () => sameBytes(head, embedding, glance);
  if ((await fact?.(`${name} is ${table.name}`, compare)) ?? (await compare())) {
    return { matrix: table, warnings: [] };
  }
  const message = `config.json ties ${name} to the token table, but a different ${name} is stored; the stored one is used.`;
  const warnings = tied ? [{ code: "lm-head-differs", message }] : [];
  return { matrix: plan.matrix(name, table.n, table.k), warnings };
}

/** @param glance compares only so many bytes at either end */
async function sameBytes(
  a: TensorEntry,
  b: TensorEntry,
  glance = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  if (a.dtype !== b.dtype || a.bytes !== b.bytes) return false;
  const stride = Math.min(STRIDE, glance);
  for (let at = 0; at < a.bytes; at += stride) {
    if (at >= glance && at < a.bytes - glance) at = a.bytes - glance;
    const length = Math.min(stride, a.bytes - at);
    const [left, right] = await Promise.all([
      a.source.read(a.offset + at, length),
      b.source.read(b.offset + at, length),
    ]);
    if (left.some((byte, i) => byte !== right[i])) return false;
  }
  return true;
}
