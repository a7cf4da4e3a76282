import { gumbel } from "../../core/random.ts";
import type { ForwardRequest, NoiseRequest, RowStats, SignalRequest } from "../../core/types.ts";
import { MAX_NUCLEUS, temper } from "../../math/row-stats.ts";
import { FRESH_SLOT } from "./gpu-history.ts";
import { UNSURE } from "./nucleus-kernel.ts";
import { HEAD, HEAD_WORDS, LOWEST, NO_ID, type RowLayout, strideOf } from "./row-layout.ts";

/** What the CPU does with the kernel's words: logarithms in float64, and the choice of the sampled id. */

/** Ids the kernel ranks to choose from by top-k and top-p; 0 when neither applies. */
export function rankedIds({ noise }: SignalRequest, vocab: number): number {
  if (noise === undefined || (noise.topK === 0 && noise.topP >= 1)) return 0;
  return Math.min(vocab, MAX_NUCLEUS, noise.topK > 0 ? noise.topK : MAX_NUCLEUS);
}

/** Rows whose cut the kernel left to the CPU, which then needs their ranked ids. */
export function unsureRows(words: ArrayBuffer, rows: number, layout: RowLayout): readonly number[] {
  const ints = new Uint32Array(words);
  const stride = strideOf(layout);
  const found: number[] = [];
  for (let r = 0; r < rows; r++) if (ints[r * stride + HEAD.kept] === UNSURE) found.push(r);
  return found;
}

export interface ResultShape extends RowLayout {
  readonly vocab: number;
  /** Where each row's earlier distribution stands, `[R]`; read when divergences are wanted. */
  readonly slots: Uint32Array;
  /** From {@link rankedIds}. */
  readonly ranked: number;
}

/**
 * Statistics of all rows from the kernel's buffer, which may be unmapped afterwards.
 *
 * @param words those of the rows; behind them, where the kernel is unsure of some, `[rows, ranked]` ids with theirs filled in
 * @param out room for them
 */
export function readRowResult(
  words: ArrayBuffer,
  { rows, signals, suppress }: ForwardRequest,
  shape: ResultShape,
  out: RowStats,
): RowStats {
  const { width, candidates, vocab, gather, agrees, ranked } = shape;
  const ints = new Uint32Array(words);
  const floats = new Float32Array(words);
  const value = (at: number) => (floats[at]! < 0.99 * LOWEST ? Number.NEGATIVE_INFINITY : floats[at]!);
  const { topK, probe, noise } = signals;
  const stride = strideOf(shape);
  let cosines = 0;
  for (let r = 0; r < rows.length; r++) {
    const start = r * stride;
    const top = start + HEAD_WORDS + 2 * candidates;
    const best = value(top + 1);
    const total = floats[start + HEAD.sum]!;
    const empty = ints[top] === NO_ID;
    for (let n = 0; n < topK; n++) {
      out.topIds[r * topK + n] = ints[top + 2 * n] === NO_ID ? -1 : ints[top + 2 * n]!;
      out.topLogits[r * topK + n] = value(top + 2 * n + 1);
    }
    fillUnranked(out.topIds.subarray(r * topK, (r + 1) * topK), vocab, suppress);
    out.lse[r] = empty ? Number.NEGATIVE_INFINITY : best + Math.log(total);
    if (out.entropy !== undefined) {
      out.entropy[r] = empty ? 0 : Math.max(0, Math.log(total) - floats[start + HEAD.mean]! / total);
    }
    if (out.currentLogits !== undefined) out.currentLogits[r] = value(start + HEAD.current);
    const lists = top + 2 * width;
    for (let p = 0; p < probe.length; p++) out.probeLogits![r * probe.length + p] = value(lists + p);
    for (let g = 0; g < gather; g++) {
      out.gatherLogits![r * gather + g] = value(lists + probe.length + g);
    }
    if (agrees) cosines += cosineOf(floats, lists + probe.length + gather);
    if (out.klPrevious !== undefined) {
      const fresh = shape.slots[r]! >= FRESH_SLOT;
      out.klPrevious[r] = fresh ? Number.POSITIVE_INFINITY : Math.max(0, floats[start + HEAD.divergence]!);
    }
    out.sampledIds[r] = out.topIds[r * topK]!;
    out.sampledLogits[r] = out.topLogits[r * topK]!;
    const tempered = floats[start + HEAD.temperedSum]!;
    const isOpen = ints[start + HEAD.kept] === UNSURE;
    const list = ranked > width ? stride * rows.length + 2 * r * ranked : top;
    const kept =
      noise !== undefined && isOpen ? keptCount(ints, value, list, ranked, tempered, noise) : undefined;
    if (out.temperedLse !== undefined) {
      const temperature = noise?.temperature ?? 1;
      const mean = floats[start + HEAD.temperedMean]!;
      const [lse, entropy] =
        kept !== undefined || empty
          ? temper(listedLogits(value, list, kept ?? 0), best, temperature)
          : [best / temperature + Math.log(tempered), Math.max(0, Math.log(tempered) - mean / tempered)];
      out.temperedLse[r] = lse;
      out.temperedEntropy![r] = entropy;
    }
    if (noise === undefined || empty) continue;
    const from = kept === undefined ? start + HEAD_WORDS : list;
    const at = pick(ints, value, from, kept ?? candidates, rows[r]!, noise);
    out.sampledIds[r] = ints[at]!;
    out.sampledLogits[r] = value(at + 1);
  }
  return agrees ? { ...out, agreement: rows.length === 0 ? 1 : cosines / rows.length } : out;
}

/** The cosine of two centred branches; one without any two different logits counts as agreeing, as in math/guidance.ts. */
function cosineOf(floats: Float32Array, at: number): number {
  const spread = floats[at + 1]! * floats[at + 2]!;
  return spread > 0 ? floats[at]! / Math.sqrt(spread) : 1;
}

function listedLogits(value: (at: number) => number, list: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => value(list + 2 * n + 1));
}

/**
 * How many of the ranked ids survive top-k and top-p, as math/nucleus.ts decides; undefined when the whole row competes.
 *
 * @param total `sum exp((l - max) / T)` over the row
 */
function keptCount(
  ints: Uint32Array,
  value: (at: number) => number,
  list: number,
  ranked: number,
  total: number,
  { temperature, topK, topP }: NoiseRequest,
): number | undefined {
  let limit = ranked;
  while (limit > 1 && ints[list + 2 * (limit - 1)] === NO_ID) limit--;
  const weight = (n: number) => Math.exp((value(list + 2 * n + 1) - value(list + 1)) / temperature);
  let sum = total;
  if (topK > 0) {
    sum = 0;
    for (let n = 0; n < limit; n++) sum += weight(n);
  }
  let reached = 0;
  for (let n = 0; n < limit; n++) {
    reached += weight(n);
    if (reached >= topP * sum) return n + 1;
  }
  return topK > 0 ? limit : undefined;
}

/** Offset of the winner by exact noise among `count` pairs of id and logit; ties go to the smaller id. */
function pick(
  ints: Uint32Array,
  value: (at: number) => number,
  from: number,
  count: number,
  position: number,
  { temperature, seed, step }: NoiseRequest,
): number {
  let winner = from;
  let lead = Number.NEGATIVE_INFINITY;
  for (let n = 0; n < count; n++) {
    const at = from + 2 * n;
    const id = ints[at]!;
    if (id === NO_ID) break;
    const shift = Math.fround(temperature * gumbel(seed, step, position, id));
    const noisy = Math.fround(value(at + 1) + shift);
    if (noisy > lead || (noisy === lead && id < ints[winner]!)) {
      lead = noisy;
      winner = at;
    }
  }
  return winner;
}

/** Slots without a finite logit get the smallest allowed ids not yet listed, as in math/row-stats.ts. */
function fillUnranked(ids: Int32Array, vocab: number, suppress: readonly number[]): void {
  let next = 0;
  for (let slot = ids.indexOf(-1); slot >= 0 && slot < ids.length; slot++) {
    while (next < vocab && (suppress.includes(next) || ids.includes(next))) next++;
    ids[slot] = next < vocab ? next : 0;
  }
}
