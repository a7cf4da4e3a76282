import { dreamScorer } from "../decoders/dream.ts";
import { klassSelector } from "../decoders/klass.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import type { OracleDraw } from "../oracle/oracle.ts";
import { entropyScorer, probabilityScorer, randomScorer } from "../pieces/scorer.ts";
import type { Scorer, Selector } from "../strategy.ts";
import { compose, type GoldenPlan, leastFirst, quotas } from "./plan.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** What the reference adds to both probabilities before the logarithm. */
const FLOOR = 1e-12;

/** KLASS, or one of the baselines in its loop. */
export function klassPlan(golden: GoldenCase, random: GoldenRandom): GoldenPlan {
  const alg = golden.hyper["alg"] ?? "klass";
  const noisy = (hyperNumber(golden, "temperature") ?? 0) > 0 ? noisyLogits(random) : undefined;
  const scorer = noisy === undefined ? klassScorer(alg) : noisy.scorer(alg);
  const selector =
    alg === "klass"
      ? fromNothing(
          klassSelector({
            threshold: hyperNumber(golden, "conf_threshold") ?? 0.9,
            divergence: hyperNumber(golden, "kl_threshold") ?? 0.01,
            history: hyperCount(golden, "kl_history_length") ?? 2,
            take: takeOf(golden),
            plan: quotas(golden).plan!,
            leavesMasks: true,
          }),
        )
      : upToQuotas(golden);
  return {
    ...compose(golden, selector, { scorer }),
    ...(noisy === undefined ? {} : { draw: noisy.draw }),
  };
}

/** The reference's history begins with probabilities of 0, from which the first forward is far but not infinitely far. */
function fromNothing(selector: Selector): Selector {
  return {
    ...selector,
    needs: { entropy: true },
    select: (step, scores) => {
      const { stats } = step;
      const klPrevious = Float64Array.from(stats.klPrevious!, (kl, r) =>
        kl === Number.POSITIVE_INFINITY ? -stats.entropy![r]! - Math.log(FLOOR) : kl,
      );
      return selector.select({ ...step, stats: { ...stats, klPrevious } }, scores);
    },
  };
}

/** KLASS's baselines: the best rows of the open block by quota, which ends with the block. */
function upToQuotas(golden: GoldenCase): Selector {
  const { isPending: _isPending, ...selector } = quotas(golden);
  return { ...selector, scope: "open" };
}

/** Its `entropy` takes the least certain rows first: the sign is missing in the reference. */
function klassScorer(alg: unknown): Scorer {
  if (alg === "random") return randomScorer;
  if (alg === "topk_margin") return dreamScorer("margin", 0);
  if (alg !== "entropy") return probabilityScorer;
  return leastFirst(entropyScorer);
}

function takeOf(golden: GoldenCase): "all" | "best" | "steadiest" {
  const named = golden.hyper["unmask_strategy"];
  return named === "max_conf" ? "best" : named === "min_kl" ? "steadiest" : "all";
}

/**
 * With a temperature the reference takes `exp(l) / (-ln u)^T`, whose argmax is a draw, for logits: token, confidence and
 * divergence are those of its softmax.
 */
function noisyLogits(random: GoldenRandom): { draw: OracleDraw; scorer(alg: unknown): Scorer } {
  let before = new Map<number, Float64Array>();
  let now = new Map<number, Float64Array>();
  const draw: OracleDraw = (logits, vocab, stats, { temperature }) => {
    const call = random.nextCall();
    before = now;
    now = new Map(before);
    for (const [r, row] of stats.rows.entries()) {
      const raced = Float64Array.from(logits.subarray(r * vocab, (r + 1) * vocab), (logit, id) => {
        return Math.exp(logit) / (-Math.log(random.float64(call, row * vocab + id))) ** temperature;
      });
      const best = raced.indexOf(raced.reduce((most, value) => Math.max(most, value)));
      const p = softmax(raced);
      now.set(row, p);
      stats.sampledIds[r] = best;
      stats.sampledLogits[r] = logits[r * vocab + best]!;
      if (stats.klPrevious !== undefined) stats.klPrevious[r] = divergence(p, before.get(row));
    }
  };
  const scoreOf = (alg: unknown, p: Float64Array): number => {
    const sorted = p.toSorted();
    if (alg === "topk_margin") return sorted.at(-1)! - sorted.at(-2)!;
    if (alg === "entropy") return -p.reduce((sum, share) => sum + share * Math.log(share + 1e-10), 0);
    return sorted.at(-1)!;
  };
  return {
    draw,
    scorer: (alg) =>
      alg === "random"
        ? randomScorer
        : {
            score: ({ candidates: { rows } }) =>
              Float64Array.from(rows, (row) => scoreOf(alg, now.get(row)!)),
            confidence: "probability",
          },
  };
}

function softmax(values: Float64Array): Float64Array {
  const most = values.reduce((a, b) => Math.max(a, b));
  const weights = values.map((value) => Math.exp(value - most));
  const total = weights.reduce((sum, weight) => sum + weight);
  return weights.map((weight) => weight / total);
}

function divergence(now: Float64Array, before: Float64Array | undefined): number {
  return now.reduce(
    (sum, p, id) => sum + p * (Math.log(p + FLOOR) - Math.log((before?.[id] ?? 0) + FLOOR)),
    0,
  );
}
