import { blockAround } from "../cache/block-grid.ts";
import { createKvModel, type Sight } from "../cache/kv-model.ts";
import { hashWords } from "../core/random.ts";
import type { Denoiser, ForwardRequest, RowStats } from "../core/types.ts";
import { applyGuidance } from "../math/guidance.ts";
import { allocateRowStats, reduceRows } from "../math/row-stats.ts";
import type { GoldenRandom } from "./golden-random.ts";
import { type OracleParameters, oracleLogits } from "./oracle-logits.ts";

/** Answers forwards from the scripted oracle, in float64, without a model. */
export interface Oracle {
  readonly maskId: number;
  /** What the last forward saw of each canvas: with cached rows, the tokens of the time they were stored. */
  readonly seen: readonly Sight[];
  forward(request: ForwardRequest): RowStats;
}

/**
 * @param random recorded numbers for token noise; absent: the engine's own counter-based noise
 */
export function createOracle(seed: number, parameters: OracleParameters, random?: GoldenRandom): Oracle {
  const { V, mask, shift } = parameters;
  const model = createKvModel(shift === 1 ? 1 : 0);
  let seen: readonly Sight[] = [];
  return {
    maskId: mask,
    get seen() {
      return seen;
    },
    forward: (request) => {
      seen = model.see(request);
      const [canvas, ...others] = seen.map(({ ids }) => logitsOf(seed, ids, request, parameters));
      const logits = canvas ?? new Float32Array(0);
      if (request.guidance.kind === "cfg") applyGuidance(logits, others[0]!, request.guidance.scale);
      const { noise, ...quiet } = request.signals;
      const recorded = noise !== undefined && random !== undefined;
      const signals = recorded ? quiet : request.signals;
      const stats = allocateRowStats(request.rows, signals, "f64");
      reduceRows(logits, V, request.canvases[0]!, signals, request.suppress, stats);
      if (recorded) sampleRecorded(logits, V, noise.temperature, stats, random);
      return stats;
    },
  };
}

/** The oracle behind the interface of a model. */
export function oracleDenoiser(oracle: Oracle, vocab: number, maxCanvas: number): Denoiser {
  return {
    vocab,
    maskId: oracle.maskId,
    maxCanvas,
    forward: async (request) => oracle.forward(request),
    dispose: async () => {},
  };
}

/** Fingerprint of a canvas as golden files store it. */
export function canvasHash(ids: ArrayLike<number>): number {
  return hashWords(0, ids);
}

/** Logits for canvas rows, `[R, V]`, each from what its row may attend to. With a shift the row before predicts the cell, and row 0 serves cell 0 too. */
function logitsOf(
  seed: number,
  canvas: Int32Array,
  { rows, attention, promptLen }: ForwardRequest,
  parameters: OracleParameters,
): Float32Array {
  const { V, shift } = parameters;
  const logits = new Float32Array(rows.length * V);
  for (let r = 0; r < rows.length; r++) {
    const row = Math.max(0, rows[r]! - shift);
    const end = attention.kind === "full" ? canvas.length : blockAround(row, attention, promptLen).end;
    oracleLogits(seed, canvas.subarray(0, end), row, parameters, logits.subarray(r * V, (r + 1) * V));
  }
  return logits;
}

/** `argmax l - T ln(-ln u)` in float64 with recorded uniforms; one random call of shape `[1, N, V]` a forward. */
function sampleRecorded(
  logits: Float32Array,
  vocab: number,
  temperature: number,
  stats: RowStats,
  random: GoldenRandom,
): void {
  const call = random.nextCall();
  for (let r = 0; r < stats.rows.length; r++) {
    let lead = Number.NEGATIVE_INFINITY;
    for (let id = 0; id < vocab; id++) {
      const logit = logits[r * vocab + id]!;
      const u = random.float64(call, stats.rows[r]! * vocab + id);
      const value = logit - temperature * Math.log(-Math.log(u));
      if (value > lead) {
        lead = value;
        stats.sampledIds[r] = id;
        stats.sampledLogits[r] = logit;
      }
    }
  }
}
