import { range } from "../../src/cache/rows.ts";
import { uniform } from "../../src/core/random.ts";
import type { Denoiser } from "../../src/core/types.ts";
import type { Manifest } from "../../src/model/manifest.ts";

/** The model as far as likelihoods go. */
export interface Scorer {
  readonly denoiser: Denoiser;
  readonly manifest: Pick<Manifest, "attention" | "tokens">;
}

/**
 * Upper bound in nats on -ln p of `cells`, given all other cells: the mean over `draws` mask ratios, stratified over
 * (0, 1), of L/k times the cross-entropy of k = ceil(ratio L) masked cells out of L (LLaDA, eq. 6 and its estimator).
 * What training/evaluate.py computes. The logits are the model's own: no id is suppressed.
 *
 * @param ids the whole canvas, `[N]`
 * @param cells rows to score, ascending, `[L]`
 */
export async function bound(
  { denoiser, manifest }: Scorer,
  ids: Int32Array,
  cells: Int32Array,
  draws: number,
  seed: number,
): Promise<number> {
  const phase = uniform(seed, 0, 0, 0);
  let nats = 0;
  for (let draw = 0; draw < draws; draw++) {
    const masked = Math.max(1, Math.ceil((((phase + draw) / draws) % 1) * cells.length));
    const rows = pick(cells, masked, seed, draw + 1);
    const canvas = ids.slice();
    for (const row of rows) canvas[row] = manifest.tokens.mask;
    const { lse, gatherLogits } = await denoiser.forward({
      canvases: [canvas],
      rows,
      attention: manifest.attention,
      guidance: { kind: "none" },
      signals: {
        topK: 1,
        entropy: false,
        current: false,
        probe: [],
        gather: { width: 1, ids: rows.map((row) => ids[row]!) },
      },
      suppress: [],
      kv: null,
      promptLen: 0,
    });
    const loss = rows.reduce((sum, _, i) => sum + lse[i]! - gatherLogits![i]!, 0);
    nats += (loss * cells.length) / masked;
  }
  return nats / draws;
}

/**
 * {@link bound} of a document from row `first` on. A block-causal model has one bound for each block, given the clean
 * text before it; they add up.
 */
export async function documentBound(
  model: Scorer,
  ids: Int32Array,
  first: number,
  draws: number,
  seed: number,
): Promise<number> {
  const { attention } = model.manifest;
  if (attention.kind === "full") return bound(model, ids, range(first, ids.length), draws, seed);
  let nats = 0;
  for (let start = 0; start < ids.length; start += attention.block) {
    const end = Math.min(ids.length, start + attention.block);
    if (end <= first) continue;
    nats += await bound(model, ids.subarray(0, end), range(Math.max(start, first), end), draws, seed + start);
  }
  return nats;
}

/** `count` of the cells, ascending: a partial Fisher-Yates shuffle. */
function pick(cells: Int32Array, count: number, seed: number, draw: number): Int32Array {
  const left = cells.slice();
  for (let i = 0; i < count; i++) {
    const at = i + Math.floor(uniform(seed, draw, i, 0) * (left.length - i));
    [left[i], left[at]] = [left[at]!, left[i]!];
  }
  return left.subarray(0, count).sort();
}
