/** Every id of the row competes: nothing is cut off, or the ranked ids do not reach top-p. */
export const WHOLE_ROW = 0xffffffff;
/** The cut is too close to tell in f32. */
export const UNSURE = 0xfffffffe;

/**
 * Top-k and top-p in the row kernel, by its first lane, so that the ranked ids stay on the GPU: the count that survives,
 * sums over them, and candidates among them. It follows math/nucleus.ts in f32. Where a last bit could decide how many
 * survive, the count is {@link UNSURE}, and the CPU decides by the ranked ids themselves.
 *
 * Needs `Params`, `Best`, `below`, `better`, `gumbel` and `result` of row-kernel.ts.
 */
export const NUCLEUS_KERNEL = /* wgsl */ `
// Of a sum of 64 exponentials, relative: more than f32 leaves open.
const SLACK = 1e-5f;

fn ranked_id(at: u32, n: u32) -> u32 { return result[at + 2u * n]; }
fn ranked_logit(at: u32, n: u32) -> f32 { return bitcast<f32>(result[at + 2u * n + 1u]); }

// Distance to the best logit at the temperature of the noise.
fn cooled_below(value: f32, best: f32) -> f32 {
  return max(below(value, best) / max(params.temperature, 1e-6), -1e4);
}

// How many of the ranked ids survive; total is the sum over the row.
fn kept_count(at: u32, best: f32, total: f32) -> u32 {
  var limit = params.ranked;
  while (limit > 1u && ranked_id(at, limit - 1u) == NONE) { limit--; }
  if (params.top_p >= 1.0) { return limit; }
  var sum = total;
  if (params.limited == 1u) {
    sum = 0.0;
    for (var n = 0u; n < limit; n++) { sum += exp(cooled_below(ranked_logit(at, n), best)); }
  }
  let goal = params.top_p * sum;
  var reached = 0.0;
  for (var n = 0u; n < limit; n++) {
    reached += exp(cooled_below(ranked_logit(at, n), best));
    if (reached * (1.0 - SLACK) >= goal) { return n + 1u; }
    if (reached * (1.0 + SLACK) >= goal) { return ${UNSURE}u; }
  }
  return select(${WHOLE_ROW}u, limit, params.limited == 1u);
}

// sum exp(d / T) and sum (d / T) exp(d / T) over the survivors.
fn kept_sums(at: u32, best: f32, kept: u32) -> vec2f {
  var sums = vec2f(0.0);
  for (var n = 0u; n < kept; n++) {
    let cooled = cooled_below(ranked_logit(at, n), best);
    let weight = exp(cooled);
    sums += vec2f(weight, weight * cooled);
  }
  return sums;
}

// The best survivors by logit plus noise, in place of those of the whole row.
fn draw_kept(row: u32, at: u32, kept: u32, candidates_at: u32) {
  var last = Best(3.4e38f, 0u);
  for (var c = 0u; c < params.candidates; c++) {
    var found = Best(LOWEST, NONE);
    var logit = LOWEST;
    for (var n = 0u; n < kept; n++) {
      let id = ranked_id(at, n);
      if (id == NONE) { continue; }
      let value = ranked_logit(at, n);
      let noisy = Best(value + params.temperature * gumbel(lists[row], id), id);
      if (better(noisy, found) && better(last, noisy)) {
        found = noisy;
        logit = value;
      }
    }
    result[candidates_at + 2u * c] = found.id;
    result[candidates_at + 2u * c + 1u] = bitcast<u32>(logit);
    last = found;
  }
}
`;
