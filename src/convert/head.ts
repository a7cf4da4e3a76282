import type { TensorEntry } from "./safetensors.ts";
import type { TensorPlan } from "./tensor-plan.ts";
import type { Transformer } from "./transformer.ts";
import type { Matrix } from "./weights.ts";

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
  if (await sameBytes(plan.entry(name, shape), plan.entry(table.name, shape))) {
    return { matrix: table, warnings: [] };
  }
  const message = `config.json ties ${name} to the token table, but a different ${name} is stored; the stored one is used.`;
  const warnings = tied ? [{ code: "lm-head-differs", message }] : [];
  return { matrix: plan.matrix(name, table.n, table.k), warnings };
}

async function sameBytes(a: TensorEntry, b: TensorEntry): Promise<boolean> {
  if (a.dtype !== b.dtype || a.bytes !== b.bytes) return false;
  for (let at = 0; at < a.bytes; at += STRIDE) {
    const length = Math.min(STRIDE, a.bytes - at);
    const [left, right] = await Promise.all([
      a.source.read(a.offset + at, length),
      b.source.read(b.offset + at, length),
    ]);
    if (left.some((byte, i) => byte !== right[i])) return false;
  }
  return true;
}
