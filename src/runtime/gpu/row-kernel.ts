import { NO_PLACE } from "./gpu-guide.ts";
import { FRESH_SLOT } from "./gpu-history.ts";
import { NUCLEUS_KERNEL, WHOLE_ROW } from "./nucleus-kernel.ts";
import { AGREEMENT_WORDS, HEAD, HEAD_WORDS, LOWEST, NO_ID, ROW_LISTS } from "./row-layout.ts";

/**
 * The row reduction as one WGSL kernel: a workgroup of 256 lanes per row reduces `vocab` logits to the words of
 * row-layout.ts, so that a few dozen bytes a row leave the GPU. It follows math/row-stats.ts. Lane i owns the ids i,
 * i + 256, ...; the best k come from k rounds: every lane offers its best remaining id, the workgroup takes the winner,
 * and only the lane it came from looks again.
 *
 * Sampling: the largest `logit + temperature * gumbel` decides. The noise comes from the same integer hash as in
 * core/random.ts, but f32 logarithms differ in the last bits, so the kernel returns the best few candidates and the CPU
 * picks the winner with exact noise. The ids that top-k and top-p choose from are ranked behind the words of all rows,
 * where they stay (nucleus-kernel.ts).
 *
 * Guidance is mixed as the logits are read (math/guidance.ts). The agreement of the branches is computed from distances to
 * the row's means: sums of squares would cancel in f32.
 */
export const LANES = 256;

export const ROW_KERNEL = /* wgsl */ `
struct Params {
  vocab: u32, topK: u32, candidates: u32, probes: u32,
  stride: u32, rows: u32, seed: u32, step: u32,
  temperature: f32, guidance: f32, guided: u32, gather: u32,
  diverges: u32, agrees: u32, decay: f32, first: u32,
  ranked: u32, limited: u32, top_p: f32, ranked_at: u32,
}
struct Best { value: f32, id: u32 }

@group(0) @binding(0) var<uniform> params: Params;
// The rows of this request begin at params.first.
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read> unconditional: array<u32>;
// A bit per id: set when the id is suppressed.
@group(0) @binding(3) var<storage, read> suppressed: array<u32>;
// Canvas rows, current ids, slots, rows of the unconditional logits, [rows] each; probe ids [probes], ids to gather
// [rows, gather].
@group(0) @binding(4) var<storage, read> lists: array<u32>;
// Words of all rows; from params.ranked_at on the ranked ids, [rows, ranked], where they are more than those asked for.
@group(0) @binding(5) var<storage, read_write> result: array<u32>;
// Probabilities of the forward before, [slots, vocab]. A slot belongs to one row.
@group(0) @binding(6) var<storage, read_write> previous: array<f32>;

const LANES = ${LANES}u;
const LOWEST = ${LOWEST.toExponential(1)}f;
const NONE = ${NO_ID}u;
const NO_PLACE = ${NO_PLACE}u;

var<workgroup> shared_best: array<Best, ${LANES}>;
var<workgroup> shared_sum: array<vec4f, ${LANES}>;
// The row of the unconditional logits that guides this one, or NO_PLACE.
var<private> guide: u32 = NO_PLACE;

// NaN and both infinities count as LOWEST. Decided on bits: shader compilers may assume that floats are finite.
fn finite(bits: u32) -> f32 {
  return select(bitcast<f32>(bits), LOWEST, (bits & 0x7f800000u) == 0x7f800000u);
}

fn logit_at(row: u32, id: u32) -> f32 {
  if (((suppressed[id >> 5u] >> (id & 31u)) & 1u) == 1u) { return LOWEST; }
  let conditional = finite(logits[(params.first + row) * params.vocab + id]);
  if (guide == NO_PLACE) { return conditional; }
  let kept = finite(unconditional[guide * params.vocab + id]);
  if (conditional == LOWEST || kept == LOWEST) { return LOWEST; }
  let other = params.decay * kept;
  let mixed = other + params.guidance * (conditional - other);
  return finite(bitcast<u32>(mixed));
}

fn absorb(h: u32, word: u32) -> u32 {
  var k = word * 0xcc9e2d51u;
  k = (k << 15u) | (k >> 17u);
  let x = h ^ (k * 0x1b873593u);
  return ((x << 13u) | (x >> 19u)) * 5u + 0xe6546b64u;
}

fn gumbel(position: u32, id: u32) -> f32 {
  var h = absorb(absorb(absorb(params.seed, params.step), position), id) ^ 12u;
  h = (h ^ (h >> 16u)) * 0x85ebca6bu;
  h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
  let n = (h ^ (h >> 16u)) >> 9u;
  // -ln u for u = (n + 0.5) / 2^23. Near 1 through the distance d to 1: 2 atanh(d / (2 - d)).
  var e: f32;
  if (n < 4194304u) {
    e = -log((f32(n) + 0.5) / 8388608.0);
  } else {
    let d = (f32(8388607u - n) + 0.5) / 8388608.0;
    let s = d / (2.0 - d);
    let q = s * s;
    e = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q / 13.0))))));
  }
  return -log(e);
}

fn better(a: Best, b: Best) -> bool {
  return a.value > b.value || (a.value == b.value && a.id < b.id);
}

// The best id of this lane that ranks after \`last\`; noisy ranks by logit plus noise.
fn lane_best(row: u32, lane: u32, last: Best, noisy: bool) -> Best {
  var best = Best(LOWEST, NONE);
  for (var id = lane; id < params.vocab; id += LANES) {
    var value = logit_at(row, id);
    if (value == LOWEST) { continue; }
    if (noisy) { value += params.temperature * gumbel(lists[row], id); }
    let found = Best(value, id);
    if (better(found, best) && better(last, found)) { best = found; }
  }
  return best;
}

fn workgroup_best(lane: u32, mine: Best) -> Best {
  workgroupBarrier();
  shared_best[lane] = mine;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half && better(shared_best[lane + half], shared_best[lane])) {
      shared_best[lane] = shared_best[lane + half];
    }
    workgroupBarrier();
  }
  return shared_best[0];
}

fn workgroup_sum(lane: u32, mine: vec4f) -> vec4f {
  workgroupBarrier();
  shared_sum[lane] = mine;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { shared_sum[lane] += shared_sum[lane + half]; }
    workgroupBarrier();
  }
  return shared_sum[0];
}

// Writes the best \`count\` ids from \`at\` on and returns the first.
fn write_best(row: u32, lane: u32, at: u32, count: u32, noisy: bool) -> Best {
  var mine = lane_best(row, lane, Best(3.4e38f, 0u), noisy);
  var first = Best(LOWEST, NONE);
  for (var n = 0u; n < count; n++) {
    let winner = workgroup_best(lane, mine);
    if (n == 0u) { first = winner; }
    if (lane == 0u) {
      result[at + 2u * n] = winner.id;
      result[at + 2u * n + 1u] = bitcast<u32>(select(LOWEST, logit_at(row, min(winner.id, params.vocab - 1u)), winner.id != NONE));
    }
    if (winner.id != NONE && winner.id % LANES == lane) { mine = lane_best(row, lane, winner, noisy); }
  }
  return first;
}

// Distance to the best logit. Halved, because the distance of two finite logits may not be finite. e^-10000 is 0 as well.
fn below(value: f32, best: f32) -> f32 {
  return 2.0 * max(0.5 * value - 0.5 * best, -5000.0);
}

// An id of a list, which may name no token.
fn listed(row: u32, id: u32) -> u32 {
  return bitcast<u32>(select(LOWEST, logit_at(row, min(id, params.vocab - 1u)), id < params.vocab));
}

// KL(now || before) over the ids of this lane, with KLASS's floor under both; keeps the distribution.
fn divergence(row: u32, lane: u32, best: f32, sum: f32) -> f32 {
  let slot = lists[2u * params.rows + row];
  let fresh = slot >= ${FRESH_SLOT}u;
  let start = (slot & 0x7fffffffu) * params.vocab;
  var moved = 0.0;
  for (var id = lane; id < params.vocab; id += LANES) {
    let value = logit_at(row, id);
    let p = select(exp(below(value, best)) / sum, 0.0, value == LOWEST);
    if (!fresh) { moved += p * (log(p + 1e-12) - log(previous[start + id] + 1e-12)); }
    previous[start + id] = p;
  }
  return moved;
}

// Both branches before they are mixed, less a logit of each; a third number that is 0 unless both are finite.
// Beside logits beyond 1e15 there is nothing to compare, and their squares are no f32.
fn branches(row: u32, id: u32, pivot: vec2f) -> vec3f {
  let c = finite(logits[(params.first + row) * params.vocab + id]);
  let u = finite(unconditional[guide * params.vocab + id]);
  if (c == LOWEST || u == LOWEST) { return vec3f(0.0); }
  return vec3f(clamp(vec2f(c, u) - pivot, vec2f(-1e15), vec2f(1e15)), 1.0);
}

// Inner product and squares of the two branches of a row, each less its mean.
fn agreement(row: u32, lane: u32) -> vec3f {
  let first = branches(row, 0u, vec2f(0.0));
  // Equal logits then differ from their mean by nothing at all.
  let pivot = first.xy;
  var sums = vec4f(0.0);
  for (var id = lane; id < params.vocab; id += LANES) { sums += vec4f(branches(row, id, pivot), 0.0); }
  let total = workgroup_sum(lane, sums);
  let mean = total.xy / max(total.z, 1.0);
  var squares = vec4f(0.0);
  for (var id = lane; id < params.vocab; id += LANES) {
    let pair = branches(row, id, pivot);
    let d = (pair.xy - mean) * pair.z;
    squares += vec4f(d.x * d.y, d.x * d.x, d.y * d.y, 0.0);
  }
  return workgroup_sum(lane, squares).xyz;
}

${NUCLEUS_KERNEL}
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = group.x;
  let lane = local.x;
  if (params.guided == 1u) { guide = lists[3u * params.rows + row]; }
  let start = row * params.stride;
  let top_at = start + ${HEAD_WORDS}u + 2u * params.candidates;
  let ranks_more = params.ranked > params.topK;
  let best_at = select(top_at, params.ranked_at + 2u * row * params.ranked, ranks_more);
  let top = write_best(row, lane, best_at, max(params.topK, params.ranked), false);
  let candidates_at = start + ${HEAD_WORDS}u;
  if (params.candidates > 0u) { write_best(row, lane, candidates_at, params.candidates, true); }
  var mine = vec4f(0.0);
  if (top.id != NONE) {
    for (var id = lane; id < params.vocab; id += LANES) {
      let value = logit_at(row, id);
      if (value == LOWEST) { continue; }
      let distance = below(value, top.value);
      let weight = exp(distance);
      let cooled = max(distance / max(params.temperature, 1e-6), -1e4);
      let cooled_weight = exp(cooled);
      mine += vec4f(weight, weight * distance, cooled_weight, cooled_weight * cooled);
    }
  }
  let sums = workgroup_sum(lane, mine);
  let probes_at = top_at + 2u * params.topK;
  for (var p = lane; p < params.probes; p += LANES) {
    result[probes_at + p] = listed(row, lists[${ROW_LISTS}u * params.rows + p]);
  }
  let wanted = ${ROW_LISTS}u * params.rows + params.probes + row * params.gather;
  for (var g = lane; g < params.gather; g += LANES) {
    result[probes_at + params.probes + g] = listed(row, lists[wanted + g]);
  }
  // The same for the whole workgroup, as barriers follow.
  if (params.agrees == 1u) {
    let compared = agreement(row, lane);
    let at = probes_at + params.probes + params.gather;
    if (lane < ${AGREEMENT_WORDS}u) { result[at + lane] = bitcast<u32>(compared[lane]); }
  }
  if (params.diverges == 1u) {
    let moved = workgroup_sum(lane, vec4f(divergence(row, lane, top.value, max(sums.x, 1e-30)), 0.0, 0.0, 0.0));
    if (lane == 0u) { result[start + ${HEAD.divergence}u] = bitcast<u32>(moved.x); }
  }
  if (lane != 0u) { return; }
  if (ranks_more) {
    for (var w = 0u; w < 2u * params.topK; w++) { result[top_at + w] = result[best_at + w]; }
  }
  var tempered = sums.zw;
  var kept = ${WHOLE_ROW}u;
  if (params.ranked > 0u && top.id != NONE) {
    kept = kept_count(best_at, top.value, sums.z);
    if (kept <= params.ranked) {
      tempered = kept_sums(best_at, top.value, kept);
      draw_kept(row, best_at, kept, candidates_at);
    }
  }
  result[start + ${HEAD.sum}u] = bitcast<u32>(sums.x);
  result[start + ${HEAD.mean}u] = bitcast<u32>(sums.y);
  result[start + ${HEAD.temperedSum}u] = bitcast<u32>(tempered.x);
  result[start + ${HEAD.temperedMean}u] = bitcast<u32>(tempered.y);
  result[start + ${HEAD.current}u] = listed(row, lists[params.rows + row]);
  result[start + ${HEAD.kept}u] = kept;
}
`;
