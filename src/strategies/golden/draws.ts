import type { NoiseRequest, RowStats } from "../../core/types.ts";
import type { CreditOptions } from "../decoders/credit.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import type { OracleDraw } from "../oracle/oracle.ts";

/** How recorded random numbers become tokens (FORMAT.md section 1, random numbers). */

/**
 * `argmax l - T ln(-ln u)` in float64: LLaDA's Gumbel noise, one random call of shape `[1, N, V]` a forward.
 *
 * @param first canvas row that the call begins with
 */
export function gumbelDraw(
  random: GoldenRandom,
  uniform = random.float64,
  first: () => number = () => 0,
): OracleDraw {
  return (logits, vocab, stats, { temperature }) => {
    const call = random.nextCall();
    const from = first();
    for (const [r, row] of stats.rows.entries()) {
      chooseLargest(logits, vocab, stats, r, (logit, id) => {
        return logit - temperature * Math.log(-Math.log(uniform(call, (row - from) * vocab + id)));
      });
    }
  };
}

/**
 * CreditDecoding with Gumbel noise: credits as in `creditSampler`, but of whole rows, in float32, because with noise any
 * token may be drawn. A row is asked about until it is written.
 */
export function creditDraw(noisy: OracleDraw, { alpha, gamma, decay }: CreditOptions): OracleDraw {
  const credits = new Map<number, Float32Array>();
  return (logits, vocab, stats, ...rest) => {
    for (const [r, row] of stats.rows.entries()) {
      const own = logits.subarray(r * vocab, (r + 1) * vocab);
      const held = credits.get(row)?.map((credit) => credit * decay) ?? new Float32Array(vocab);
      const best = own.indexOf(Math.max(...own));
      held[best]! += Math.exp(own[best]! - stats.lse[r]!) ** gamma;
      credits.set(row, held);
      for (let id = 0; id < vocab; id++) own[id]! += alpha * Math.log(held[id]! + 1);
      const top = Math.max(...own);
      stats.lse[r] = top + Math.log(own.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
    }
    noisy(logits, vocab, stats, ...rest);
  };
}

/**
 * `torch.multinomial` over the tempered and filtered distribution: one call a forward.
 *
 * @param element index of a row's number in the call, from the canvas row and its place in the statistics
 */
export function multinomialDraw(
  random: GoldenRandom,
  element: (row: number, r: number) => number,
): OracleDraw {
  return (logits, vocab, stats, noise) => {
    if (stats.rows.length === 0) return;
    const call = random.nextCall();
    for (const [r, row] of stats.rows.entries()) {
      const weights = temper(logits.subarray(r * vocab, (r + 1) * vocab), r, stats, noise, "best first");
      const id = pickWeighted(weights, random.float64(call, element(row, r)));
      stats.sampledIds[r] = id;
      stats.sampledLogits[r] = noise.temperature * scaledLogit(logits[r * vocab + id]!, noise.temperature);
    }
  };
}

/** The best token, with the tempered distribution noted. */
export const bestDraw: OracleDraw = (logits, vocab, stats, noise) => {
  for (const r of stats.rows.keys()) {
    temper(logits.subarray(r * vocab, (r + 1) * vocab), r, stats, noise, "nucleus first");
  }
};

/** First index whose cumulative weight exceeds `u` times the total, never one of weight zero. */
export function pickWeighted(weights: ArrayLike<number>, u: number): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  let reached = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    reached += weights[i]!;
    last = i;
    if (reached > u * total) return i;
  }
  return last;
}

/** Which filter comes first: Dream cuts to the nucleus and then to the best, SDAR and LLaDA2 the other way round. */
type FilterOrder = "nucleus first" | "best first";

/** Logits are divided in float32: at a low temperature the rounding shows in the probabilities. */
function scaledLogit(logit: number, temperature: number): number {
  return Math.fround(logit / Math.fround(temperature));
}

/** Probabilities after temperature, top-p and top-k; notes their log-sum-exp and entropy, and the logits as rounded. */
function temper(
  logits: Float32Array,
  r: number,
  stats: RowStats,
  { temperature, topK, topP }: NoiseRequest,
  order: FilterOrder,
): Float64Array {
  const sorted = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const ranked = order === "best first" && topK > 0 ? sorted.slice(0, topK) : sorted;
  const scaled = Float64Array.from(logits, (logit) => scaledLogit(logit, temperature));
  const best = scaled[ranked[0]!]!;
  const total = ranked.reduce((sum, id) => sum + Math.exp(scaled[id]! - best), 0);
  let kept = ranked.length;
  if (topP < 1) {
    let reached = 0;
    kept = 0;
    while (kept < ranked.length && reached <= topP)
      reached += Math.exp(scaled[ranked[kept++]!]! - best) / total;
  }
  if (topK > 0) kept = Math.min(kept, topK);
  const weights = new Float64Array(logits.length);
  let mass = 0;
  for (const id of ranked.slice(0, kept)) mass += Math.exp(scaled[id]! - best);
  let entropy = 0;
  for (const id of ranked.slice(0, kept)) {
    const p = Math.exp(scaled[id]! - best) / mass;
    weights[id] = p;
    entropy -= p * Math.log(p + 1e-10);
  }
  if (stats.temperedLse !== undefined) {
    stats.temperedLse[r] = best + Math.log(mass);
    stats.temperedEntropy![r] = entropy;
    stats.sampledLogits[r] = temperature * scaled[stats.sampledIds[r]!]!;
    for (let i = r * stats.k; i < (r + 1) * stats.k; i++) {
      stats.topLogits[i] = temperature * scaled[stats.topIds[i]!]!;
    }
  }
  return weights;
}

function chooseLargest(
  logits: Float32Array,
  vocab: number,
  stats: RowStats,
  r: number,
  value: (logit: number, id: number) => number,
): void {
  let lead = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < vocab; id++) {
    const logit = logits[r * vocab + id]!;
    const at = value(logit, id);
    if (!(at > lead)) continue;
    lead = at;
    stats.sampledIds[r] = id;
    stats.sampledLogits[r] = logit;
  }
}
