import { fixedBlocks } from "../blocks.ts";
import { continuationCanvas } from "../canvas.ts";
import { type DreamConfidence, dreamScorer } from "../decoders/dream.ts";
import type { GoldenRandom } from "../golden-random.ts";
import { cfgGuidance } from "../guidance.ts";
import { dllmCosineQuota, dllmLinearQuota } from "../quota.ts";
import { temperedSampler } from "../sampler.ts";
import { probabilityScorer, randomScorer } from "../scorer.ts";
import { rank } from "../selector.ts";
import type { Scorer, Selector } from "../strategy.ts";
import { bestDraw, pickWeighted } from "./draws.ts";
import { compose, type GoldenPlan, type GoldenPlanner, genLength, numbers } from "./plan.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** The samplers of dllm for full attention: MDLM and Dream. */
export const DLLM_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  "dllm-mdlm": (golden) => {
    const { hyper, prompt, oracle, file } = golden;
    const size = hyperCount(golden, "block_size") ?? genLength(golden);
    const blocks = Math.ceil(genLength(golden) / size);
    const steps = Math.ceil((hyperCount(golden, "steps") ?? genLength(golden)) / blocks);
    const late = numbers(hyper["begin_suppress_tokens"] ?? [], "begin_suppress_tokens");
    const keep = numbers(hyper["cfg_keep_tokens"] ?? [], "cfg_keep_tokens");
    const start =
      hyper["right_shift_logits"] === true && prompt.length === 0 ? [Number(file["bosId"])] : prompt;
    const plan = compose(
      golden,
      tableSelector(steps, hyper["scheduler"] === "cosine" ? dllmCosineQuota : dllmLinearQuota),
      {
        blocks: fixedBlocks(size),
        scorer: hyper["remasking"] === "random" ? randomScorer : committedLast(late),
        guidance: cfgGuidance(hyperNumber(golden, "cfg_scale") ?? 0, keep),
      },
    );
    return {
      ...plan,
      canvas: continuationCanvas(start, genLength(golden), oracle.mask),
      suppress: numbers(hyper["suppress_tokens"] ?? [], "suppress_tokens"),
    };
  },
  "dllm-dream": (golden, random) => dreamPlan(golden, random),
};

/** The best rows by a table that is fixed when the block opens. */
export function tableSelector(
  steps: number,
  table: (masks: number, steps: number) => readonly number[],
): Selector {
  return {
    plan: (_state, masks) => table(masks, steps),
    select: ({ state }, scores) =>
      rank(scores)
        .slice(0, state.quotas[state.stepInBlock] ?? 0)
        .map((index) => ({ index, reason: "quota" })),
  };
}

/** `begin_suppress_tokens`: an id stays chosen, but confidences are computed without it, and its own is 0. */
function committedLast(ids: readonly number[]): Scorer {
  if (ids.length === 0) return probabilityScorer;
  return {
    needs: { probe: ids },
    score: ({ stats, candidates }) =>
      candidates.probabilities.map((p, i) => {
        if (ids.includes(candidates.ids[i]!)) return 0;
        const r = candidates.at[i]!;
        const lost = ids.reduce(
          (sum, _id, n) => sum + Math.exp(stats.probeLogits![r * ids.length + n]! - stats.lse[r]!),
          0,
        );
        return p / (1 - lost);
      }),
    confidence: "score",
  };
}

function dreamPlan(golden: GoldenCase, random: GoldenRandom): GoldenPlan {
  const temperature = hyperNumber(golden, "temperature") ?? 0;
  const options = {
    temperature,
    topK: hyperNumber(golden, "top_k") ?? 0,
    topP: hyperNumber(golden, "top_p") ?? 1,
  };
  const softness = hyperNumber(golden, "alg_temp") ?? 0;
  const scorer: Scorer = {
    ...dreamScorer(confidenceOf(golden), temperature),
    confidence: softness === 0 ? "score" : "none",
  };
  const table = tableSelector(hyperCount(golden, "steps") ?? 1, dllmLinearQuota);
  const plan = compose(golden, softness === 0 ? table : recordedOrder(table, softness, random), {
    blocks: fixedBlocks(genLength(golden)),
    sampler: temperedSampler(options),
    scorer,
  });
  // The recorded runs drew no token: with a temperature the best one is taken and its tempered probability counts.
  return { ...plan, draw: bestDraw };
}

function confidenceOf(golden: GoldenCase): DreamConfidence {
  const alg = golden.hyper["alg"];
  return alg === "topk_margin" ? "margin" : alg === "entropy" ? "entropy" : "probability";
}

/** Rows drawn without replacement from the softmax of the scores, with recorded numbers. */
function recordedOrder(selector: Selector, temperature: number, random: GoldenRandom): Selector {
  return {
    ...selector,
    select: ({ state }, scores) => {
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp((score - most) / temperature));
      return Array.from({ length: Math.min(scores.length, state.quotas[state.stepInBlock] ?? 0) }, () => {
        const index = pickWeighted(weights, random.float64(random.nextCall(), 0));
        weights[index] = 0;
        return { index, reason: "quota" as const };
      });
    },
  };
}
