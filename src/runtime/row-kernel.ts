/**
 * The row reduction as one WGSL kernel: a workgroup of 256 lanes per row reduces `vocab` logits to the words below, so
 * that a few dozen bytes a row leave the GPU. It follows math/row-stats.ts. Lane i owns the ids i, i + 256, ...; the best
 * k come from k rounds: every lane offers its best remaining id, the workgroup takes the winner, and only the lane it
 * came from looks again.
 *
 * Sampling: the largest `logit + temperature * gumbel` decides. The noise comes from the same integer hash as in
 * core/random.ts, but f32 logarithms differ in the last bits, so the kernel returns the best few candidates and the CPU
 * picks the winner with exact noise.
 */
export const LANES = 256;
/** Sampling candidates a row; more than four within rounding of each other do not happen. */
export const CANDIDATES = 4;
/** Words before the lists: `sum exp(l - max)`, `sum exp(l - max) (l - max)`, `sum exp((l - max) / T)`, current logit. */
export const HEAD_WORDS = 4;
/** Stands for -Infinity, which WGSL does not have. */
export const LOWEST: number = -3.4e38;
/** Stands for "no more ids with a finite logit". */
export const NO_ID = 0xffffffff;

/** Words of one row: head, candidates, top-k (id and logit each), probes. */
export function strideOf(candidates: number, topK: number, probes: number): number {
  return HEAD_WORDS + 2 * candidates + 2 * topK + probes;
}

export const ROW_KERNEL = /* wgsl */ `
struct Params {
  vocab: u32, topK: u32, candidates: u32, probes: u32,
  stride: u32, rows: u32, seed: u32, step: u32,
  temperature: f32, guidance: f32, guided: u32, pad: u32,
}
struct Best { value: f32, id: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<u32>;
@group(0) @binding(2) var<storage, read> unconditional: array<u32>;
// A bit per id: set when the id is suppressed.
@group(0) @binding(3) var<storage, read> suppressed: array<u32>;
// Canvas rows [rows], current ids [rows], probe ids [probes].
@group(0) @binding(4) var<storage, read> lists: array<u32>;
@group(0) @binding(5) var<storage, read_write> result: array<u32>;

const LANES = ${LANES}u;
const LOWEST = ${LOWEST.toExponential(1)}f;
const NONE = ${NO_ID}u;

var<workgroup> shared_best: array<Best, ${LANES}>;
var<workgroup> shared_sum: array<vec3f, ${LANES}>;

// NaN and both infinities count as LOWEST. Decided on bits: shader compilers may assume that floats are finite.
fn finite(bits: u32) -> f32 {
  return select(bitcast<f32>(bits), LOWEST, (bits & 0x7f800000u) == 0x7f800000u);
}

fn logit_at(row: u32, id: u32) -> f32 {
  if (((suppressed[id >> 5u] >> (id & 31u)) & 1u) == 1u) { return LOWEST; }
  let at = row * params.vocab + id;
  let conditional = finite(logits[at]);
  if (params.guided == 0u) { return conditional; }
  let other = finite(unconditional[at]);
  if (conditional == LOWEST || other == LOWEST) { return LOWEST; }
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

fn workgroup_sum(lane: u32, mine: vec3f) -> vec3f {
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

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = group.x;
  let lane = local.x;
  let start = row * params.stride;
  let top_at = start + ${HEAD_WORDS}u + 2u * params.candidates;
  let top = write_best(row, lane, top_at, params.topK, false);
  if (params.candidates > 0u) {
    write_best(row, lane, start + ${HEAD_WORDS}u, params.candidates, true);
  }
  var mine = vec3f(0.0);
  if (top.id != NONE) {
    for (var id = lane; id < params.vocab; id += LANES) {
      let value = logit_at(row, id);
      if (value == LOWEST) { continue; }
      // Halved, because the distance of two finite logits may not be finite. e^-10000 is 0 as well.
      let below = 2.0 * max(0.5 * value - 0.5 * top.value, -5000.0);
      let weight = exp(below);
      mine += vec3f(weight, weight * below, select(0.0, exp(below / max(params.temperature, 1e-6)), params.temperature > 0.0));
    }
  }
  let sums = workgroup_sum(lane, mine);
  if (lane != 0u) { return; }
  result[start] = bitcast<u32>(sums.x);
  result[start + 1u] = bitcast<u32>(sums.y);
  result[start + 2u] = bitcast<u32>(sums.z);
  result[start + 3u] = bitcast<u32>(logit_at(row, min(lists[params.rows + row], params.vocab - 1u)));
  for (var p = 0u; p < params.probes; p++) {
    let id = lists[2u * params.rows + p];
    result[top_at + 2u * params.topK + p] = bitcast<u32>(select(LOWEST, logit_at(row, min(id, params.vocab - 1u)), id < params.vocab));
  }
}
`;
