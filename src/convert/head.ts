import type { DenseModel } from "../model/families.ts";
import { type Checkpoint, requireTensor } from "./checkpoint.ts";
import type { TensorEntry } from "./safetensors.ts";

const HEAD = "lm_head.weight";
const STRIDE = 4_000_000;

/** The output head of a model: the token table, or a matrix of its own. */
export type Head = { readonly kind: "tied" } | { readonly kind: "stored"; readonly differs: boolean };

/**
 * Decides the head by what is stored: equal bytes mean tied; a different stored head is used (as transformers 5 does),
 * and `differs` asks for a warning where config.json says the opposite.
 */
export async function chooseHead(
  checkpoint: Checkpoint,
  model: DenseModel,
  table: TensorEntry,
): Promise<Head> {
  if (!checkpoint.tensors.has(HEAD) && model.tied) return { kind: "tied" };
  const head = requireTensor(checkpoint, HEAD, [model.vocab, model.hidden]);
  const compare = () => sameBytes(head, table, checkpoint.glance);
  const same = (await checkpoint.fact?.(`${HEAD} is the token table`, compare)) ?? (await compare());
  if (same) return { kind: "tied" };
  return { kind: "stored", differs: model.tied };
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
