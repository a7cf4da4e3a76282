import type { Guidance } from "../../core/types.ts";
import { fixedBlocks } from "../blocks.ts";
import { continuationCanvas } from "../canvas.ts";
import { type DreamConfidence, dreamPreset } from "../decoders/dream.ts";
import { tableSelector } from "../decoders/quota-table.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import { dllmCosineQuota, dllmLinearQuota } from "../pieces/quota.ts";
import { probabilityScorer, randomScorer } from "../pieces/scorer.ts";
import type { Scorer, Selector } from "../strategy.ts";
import { bestDraw, pickWeighted } from "./draws.ts";
import { compose, type GoldenPlan, type GoldenPlanner, genLength, guidanceOf, numbers } from "./plan.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** The samplers of dllm for full attention: MDLM and Dream. */
export const DLLM_PLANS: Readonly<Record<string, GoldenPlanner>> = {
  "dllm-mdlm": (golden) => {
    const { hyper, prompt, oracle, file } = golden;
    const size = hyperCount(golden, "block_size") ?? 128;
    const blocks = Math.ceil(genLength(golden) / size);
    const steps = Math.ceil((hyperCount(golden, "steps") ?? 128) / blocks);
    const late = numbers(hyper["begin_suppress_tokens"] ?? [], "begin_suppress_tokens");
    const start =
      hyper["right_shift_logits"] === true && prompt.length === 0 ? [Number(file["bosId"])] : prompt;
    const plan = compose(golden, openedTable(golden, steps), {
      blocks: fixedBlocks(size),
      scorer: hyper["remasking"] === "random" ? randomScorer : committedLast([...new Set(late)]),
      guidance: keptGuidance(golden),
    });
    return {
      ...plan,
      canvas: continuationCanvas(start, genLength(golden), oracle.mask),
      suppress: numbers(hyper["suppress_tokens"] ?? [], "suppress_tokens"),
    };
  },
  "dllm-dream": (golden, random) => dreamPlan(golden, random),
};

/** Our player of quota tables, with a table that is made when the block opens. A block ends with it, masks or not. */
export function openedTable({ hyper }: GoldenCase, steps: number): Selector {
  const table = hyper["scheduler"] === "cosine" ? dllmCosineQuota : dllmLinearQuota;
  return {
    plan: (_state, masks) => table(masks, steps),
    limit: ({ quotas }) => quotas.length,
    select: (step, scores) => tableSelector(step.state.quotas).select(step, scores),
  };
}

/** Guidance whose unconditional branch still sees some of the given ids. */
export function keptGuidance(golden: GoldenCase): Guidance {
  return guidanceOf(golden, numbers(golden.hyper["cfg_keep_tokens"] ?? [], "cfg_keep_tokens"));
}

/** `begin_suppress_tokens`: an id stays chosen, but confidences are computed without it, and its own is 0. */
export function committedLast(ids: readonly number[]): Scorer {
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

/** The preset's own pieces; only the table of quotas is that of dllm. */
function dreamPlan(golden: GoldenCase, random: GoldenRandom): GoldenPlan {
  const softness = hyperNumber(golden, "alg_temp") ?? 0;
  const steps = hyperCount(golden, "steps") ?? 512;
  const length = genLength(golden);
  const { selector, sampler, scorer } = dreamPreset(confidenceOf(golden), "").pieces(
    {
      length,
      block: length,
      steps,
      table: [],
      temperature: hyperNumber(golden, "temperature") ?? 1,
      // Without a value it is 50; null means all tokens.
      topK: Object.hasOwn(golden.hyper, "top_k") ? (hyperNumber(golden, "top_k") ?? 0) : 50,
      topP: hyperNumber(golden, "top_p") ?? 1,
      threshold: 1,
      factor: 1,
      gamma: 0,
      guidance: { cfg: 0 },
    },
    { eos: [], pad: 0, delimiters: [], room: length },
  );
  const { plan: tableOf, limit } = openedTable(golden, steps);
  const table: Selector = { ...selector, plan: tableOf!, limit: limit! };
  const plan = compose(golden, softness === 0 ? table : recordedOrder(table, softness, random), {
    blocks: fixedBlocks(length),
    sampler: sampler!,
    scorer: { ...scorer!, confidence: softness === 0 ? "score" : "none" },
  });
  // The recorded runs drew no token: with a temperature the best one is taken and its tempered probability counts.
  return { ...plan, draw: bestDraw };
}

function confidenceOf(golden: GoldenCase): DreamConfidence {
  const alg = golden.hyper["alg"];
  return alg === "topk_margin" ? "margin" : alg === "entropy" ? "entropy" : "probability";
}

/**
 * Rows drawn without replacement from the softmax of the scores, one recorded number a row that is drawn. Our own order
 * takes a number for each row there is, from which these do not follow: the one part of a decoder that is written twice.
 */
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
