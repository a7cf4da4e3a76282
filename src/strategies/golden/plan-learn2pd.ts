import type { RowStats } from "../../core/types.ts";
import type { CommitFilter } from "../../model/commit-filter.ts";
import { eotpControl } from "../decoders/eotp.ts";
import { learn2pdSelector } from "../decoders/learn2pd.ts";
import type { GoldenRandom } from "../oracle/golden-random.ts";
import { lladaQuota } from "../pieces/quota.ts";
import { sampledProbability } from "../rows.ts";
import type { Scorer } from "../strategy.ts";
import { compose, eosOf, type GoldenPlan, genLength, numbers, table } from "./plan.ts";
import { type GoldenCase, hyperCount, hyperNumber } from "./schema.ts";

/** Learn2PD, with or without the prediction of the text's end. */
export function learn2pdPlan(golden: GoldenCase, random: GoldenRandom, cuts: boolean): GoldenPlan {
  const size = hyperCount(golden, "block_length") ?? 32;
  const steps = ((hyperCount(golden, "steps") ?? genLength(golden)) * size) / genLength(golden);
  const drawn = golden.hyper["remasking"] === "random" ? drawnScores(random) : undefined;
  const confidence = (stats: RowStats, r: number, row: number): number =>
    drawn?.of(row) ?? sampledProbability(stats, r);
  const selector = learn2pdSelector({
    filter: filterOf(golden, size),
    threshold: hyperNumber(golden, "accept_thres") ?? 0.96,
    // A cut canvas leaves the steps of a block as they are.
    plan: (_state, masks) => lladaQuota(masks, steps),
    reads: confidence,
  });
  const length = eotpControl({
    eosIds: [eosOf(golden)],
    minConf: 0,
    notBefore: "start",
    minTokens: 0,
    scope: "canvas",
    predicts: (stats, r, row) => ({ id: stats.sampledIds[r]!, p: confidence(stats, r, row) }),
  });
  return compose(golden, selector, {
    ...(drawn === undefined ? {} : { scorer: drawn.scorer }),
    ...(cuts ? { length } : {}),
  });
}

/** The numbers that the reference takes for confidences, of the whole canvas: one random call a forward. */
export function drawnScores(random: GoldenRandom): { scorer: Scorer; of(row: number): number } {
  let call = 0;
  const of = (row: number): number => random.float32(call, row);
  return {
    of,
    scorer: {
      score: ({ candidates: { rows } }) => {
        call = random.nextCall();
        return Float64Array.from(rows, of);
      },
      confidence: "none",
    },
  };
}

function filterOf(golden: GoldenCase, size: number): CommitFilter {
  const filter = golden.file["filter"];
  const fields: Record<string, unknown> = typeof filter === "object" && filter !== null ? { ...filter } : {};
  return {
    size,
    w1: table(fields["W1"], "filter.W1"),
    b1: numbers(fields["b1"], "filter.b1"),
    w2: table(fields["W2"], "filter.W2"),
    b2: numbers(fields["b2"], "filter.b2"),
  };
}
