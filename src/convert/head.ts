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
  const compare = () => sameBytes(head, table);
  const same = (await checkpoint.fact?.(`${HEAD} is the token table`, compare)) ?? (await compare());
  if (same) return { kind: "tied" };
  return { kind: "stored", differs: model.tied };
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
