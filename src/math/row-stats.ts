import { gumbel } from "../core/random.ts";
import type { NoiseRequest, RowStats, SignalRequest } from "../core/types.ts";
import { nucleusSize } from "./nucleus.ts";

/**
 * Reduces rows of logits to statistics. This is the reference that the WGSL kernel must agree with. For each row:
 *
 * 1. Suppressed ids become -Infinity. So does every logit that is NaN or +Infinity: a broken logit is never chosen.
 * 2. The `k` best ids by descending logit, ties to the smaller id.
 * 3. `lse = max + ln(sum exp(l - max))`, sums in float64, in ascending id order.
 * 4. `entropy = lse - sum(p * l)`, with `p = exp(l - lse)` and 0 for a logit of -Infinity.
 * 5. Without noise the sampled id is the best id. With noise it is the id of the largest
 *    `f32(l + f32(temperature * gumbel(seed, step, row, id)))`, ties to the smaller id, where `row` is the canvas row,
 *    `l` is float32 and `gumbel` is rounded to float32 (core/random.ts). With top-k or top-p only the ids kept by
 *    {@link nucleusSize} compete.
 * 6. `temperedLse` and `temperedEntropy` are those of the tokens that compete, at the temperature of the noise.
 *
 * `klPrevious` needs a memory and is filled by math/divergence.ts.
 *
 * A row without any finite logit has `lse` -Infinity, entropy 0 and the smallest allowed ids with logit -Infinity.
 */
type Floats = Float32Array | Float64Array;

/** Statistics with room for `rows`, to be filled by {@link reduceRows}; the caller owns and may reuse it. */
export function allocateRowStats(
  rows: Int32Array,
  signals: SignalRequest,
  precision: "f32" | "f64" = "f32",
): RowStats {
  const floats = (length: number): Floats =>
    precision === "f32" ? new Float32Array(length) : new Float64Array(length);
  const count = rows.length;
  return {
    rows,
    lse: floats(count),
    k: signals.topK,
    topIds: new Int32Array(count * signals.topK),
    topLogits: floats(count * signals.topK),
    sampledIds: new Int32Array(count),
    sampledLogits: floats(count),
    ...(signals.entropy ? { entropy: floats(count) } : {}),
    ...(signals.current ? { currentLogits: floats(count) } : {}),
    ...(signals.probe.length > 0 ? { probeLogits: floats(count * signals.probe.length) } : {}),
    ...(signals.gather === undefined ? {} : { gatherLogits: floats(count * signals.gather.width) }),
    ...(signals.klPrevious === undefined ? {} : { klPrevious: floats(count) }),
    ...(signals.tempered ? { temperedLse: floats(count), temperedEntropy: floats(count) } : {}),
  };
}

/**
 * Fills `out` from `logits`.
 *
 * @param logits `[R, vocab]`, row-major, in the order of `out.rows`, after guidance and shift. Suppressed and broken
 *   entries are overwritten with -Infinity
 * @param canvas ids `[N]`, for the logit of the current token; may be empty when that is not asked for
 * @param suppress ids that count as -Infinity; ids outside the vocabulary are ignored
 * @param out from {@link allocateRowStats} with the same `signals`
 */
export function reduceRows(
  logits: Float32Array,
  vocab: number,
  canvas: Int32Array,
  signals: SignalRequest,
  suppress: readonly number[],
  out: RowStats,
): void {
  const { k } = out;
  const wide = nucleusWidth(signals.noise, vocab);
  const wideIds = wide > 0 ? new Int32Array(wide) : out.topIds;
  const wideLogits = wide > 0 ? new Float64Array(wide) : out.topLogits;
  for (let r = 0; r < out.rows.length; r++) {
    const row = logits.subarray(r * vocab, (r + 1) * vocab);
    for (const id of suppress) if (id < vocab) row[id] = Number.NEGATIVE_INFINITY;
    topOf(row, k, out.topIds, out.topLogits, r * k, suppress);
    let total = expSum(row, out.topLogits[r * k]!);
    if (!(total < Number.POSITIVE_INFINITY)) {
      discardBroken(row);
      topOf(row, k, out.topIds, out.topLogits, r * k, suppress);
      total = expSum(row, out.topLogits[r * k]!);
    }
    const best = out.topLogits[r * k]!;
    const lse = total === 0 ? Number.NEGATIVE_INFINITY : best + Math.log(total);
    out.lse[r] = lse;
    if (out.entropy !== undefined) out.entropy[r] = entropyOf(row, best, total);
    if (out.currentLogits !== undefined) out.currentLogits[r] = row[canvas[out.rows[r]!]!]!;
    for (let j = 0; j < signals.probe.length; j++) {
      out.probeLogits![r * signals.probe.length + j] = row[signals.probe[j]!]!;
    }
    if (signals.gather !== undefined) gatherInto(row, r, signals.gather, out.gatherLogits!);
    let sampled = out.topIds[r * k]!;
    let kept = vocab;
    if (signals.noise !== undefined && best !== Number.NEGATIVE_INFINITY) {
      if (wide > 0) topOf(row, wide, wideIds, wideLogits, 0, suppress);
      kept = wide > 0 ? nucleusSize(row, wideLogits, wide, signals.noise) : vocab;
      sampled =
        kept < vocab
          ? sampleAmong(row, wideIds.subarray(0, kept), out.rows[r]!, signals.noise)
          : sampleAll(row, out.topIds[r * k]!, out.rows[r]!, signals.noise);
    }
    out.sampledIds[r] = sampled;
    out.sampledLogits[r] = row[sampled]!;
    if (signals.tempered) {
      const competing = kept < vocab ? wideLogits.subarray(0, kept) : row;
      const [temperedLse, entropy] = temper(competing, best, signals.noise?.temperature ?? 1);
      out.temperedLse![r] = temperedLse;
      out.temperedEntropy![r] = entropy;
    }
  }
}

function gatherInto(
  row: Float32Array,
  r: number,
  { width, ids }: NonNullable<SignalRequest["gather"]>,
  out: Floats,
): void {
  for (let j = r * width; j < (r + 1) * width; j++) {
    out[j] = ids[j]! < 0 ? Number.NEGATIVE_INFINITY : row[ids[j]!]!;
  }
}

/** Log-sum-exp of `logits / temperature` and the entropy of its softmax; `best` is the largest of the logits. */
export function temper(
  logits: ArrayLike<number>,
  best: number,
  temperature: number,
): [lse: number, entropy: number] {
  if (best === Number.NEGATIVE_INFINITY) return [Number.NEGATIVE_INFINITY, 0];
  let total = 0;
  let mean = 0;
  for (let i = 0; i < logits.length; i++) {
    const value = (logits[i]! - best) / temperature;
    if (value === Number.NEGATIVE_INFINITY) continue;
    const weight = Math.exp(value);
    total += weight;
    mean += weight * value;
  }
  return [best / temperature + Math.log(total), Math.max(0, Math.log(total) - mean / total)];
}

/** Most tokens that top-k or top-p can keep; a nucleus larger than this falls back to the whole row. */
export const MAX_NUCLEUS = 64;

/** Best tokens to list for top-k and top-p; 0 when neither applies. */
function nucleusWidth(noise: NoiseRequest | undefined, vocab: number): number {
  if (noise === undefined || (noise.topK === 0 && noise.topP >= 1)) return 0;
  return Math.min(vocab, noise.topK > 0 ? Math.min(noise.topK, MAX_NUCLEUS) : MAX_NUCLEUS);
}

/** The `k` best of `row` into `ids` and `values` at `offset`, by insertion: k is small and hits are rare. */
function topOf(
  row: Float32Array,
  k: number,
  ids: Int32Array,
  values: Floats,
  offset: number,
  suppress: readonly number[],
): void {
  const last = offset + k - 1;
  ids.fill(-1, offset, offset + k);
  values.fill(Number.NEGATIVE_INFINITY, offset, offset + k);
  let bar = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < row.length; id++) {
    const value = row[id]!;
    if (!(value > bar)) continue;
    let at = last;
    while (at > offset && values[at - 1]! < value) {
      values[at] = values[at - 1]!;
      ids[at] = ids[at - 1]!;
      at--;
    }
    values[at] = value;
    ids[at] = id;
    bar = values[last]!;
  }
  if (ids[last]! < 0) fillUnranked(row.length, ids.subarray(offset, offset + k), suppress);
}

/** Slots for which the row has no finite logit get the smallest ids that are allowed and not yet listed. */
function fillUnranked(vocab: number, ids: Int32Array, suppress: readonly number[]): void {
  let next = 0;
  for (let slot = ids.indexOf(-1); slot < ids.length; slot++) {
    while (next < vocab && (suppress.includes(next) || ids.includes(next))) next++;
    ids[slot] = next < vocab ? next : 0;
  }
}

/** `sum exp(l - best)`; NaN when the row has a NaN or an infinite best, 0 when everything is -Infinity. */
function expSum(row: Float32Array, best: number): number {
  if (best === Number.NEGATIVE_INFINITY) return row.some(Number.isNaN) ? Number.NaN : 0;
  let total = 0;
  for (let id = 0; id < row.length; id++) total += Math.exp(row[id]! - best);
  return total;
}

function discardBroken(row: Float32Array): void {
  for (let id = 0; id < row.length; id++) {
    if (!(row[id]! < Number.POSITIVE_INFINITY)) row[id] = Number.NEGATIVE_INFINITY;
  }
}

/** @param total `sum exp(l - best)`; relative to the best logit nothing large is left to cancel */
function entropyOf(row: Float32Array, best: number, total: number): number {
  if (total === 0) return 0;
  let mean = 0;
  for (let id = 0; id < row.length; id++) {
    const value = row[id]!;
    if (value !== Number.NEGATIVE_INFINITY) mean += Math.exp(value - best) * (value - best);
  }
  return Math.max(0, Math.log(total) - mean / total);
}

/** No Gumbel number of core/random.ts is larger: `-ln(-ln(1 - 2^-24))` is 16.64. */
const MAX_GUMBEL = 16.7;

/** Gumbel-max over the whole row. Ids too far below the leader to win are skipped without drawing their noise. */
function sampleAll(row: Float32Array, best: number, position: number, noise: NoiseRequest): number {
  let winner = best;
  let lead = perturbed(row[best]!, best, position, noise);
  const reach = noise.temperature * MAX_GUMBEL + 1e-3;
  for (let id = 0; id < row.length; id++) {
    if (!(row[id]! + reach >= lead)) continue;
    const value = perturbed(row[id]!, id, position, noise);
    if (value > lead || (value === lead && id < winner)) {
      lead = value;
      winner = id;
    }
  }
  return winner;
}

function sampleAmong(row: Float32Array, ids: Int32Array, position: number, noise: NoiseRequest): number {
  let winner = ids[0]!;
  let lead = Number.NEGATIVE_INFINITY;
  for (const id of ids) {
    const value = perturbed(row[id]!, id, position, noise);
    if (value > lead || (value === lead && id < winner)) {
      lead = value;
      winner = id;
    }
  }
  return winner;
}

function perturbed(logit: number, id: number, position: number, noise: NoiseRequest): number {
  const shift = Math.fround(noise.temperature * gumbel(noise.seed, noise.step, position, id));
  return Math.fround(logit + shift);
}
