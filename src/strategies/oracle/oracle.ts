import { blockAround } from "../../cache/block-grid.ts";
import { createKvModel, type Sight } from "../../cache/kv-model.ts";
import { UnmaskError } from "../../core/errors.ts";
import { hashWords } from "../../core/random.ts";
import type { Denoiser, ForwardRequest, NoiseRequest, RowStats } from "../../core/types.ts";
import { createDivergenceTracker } from "../../math/divergence.ts";
import { draftRequest } from "../../math/drafts.ts";
import { createGuide } from "../../math/guidance.ts";
import { allocateRowStats, reduceRows } from "../../math/row-stats.ts";
import { type OracleParameters, oracleLogits } from "./oracle-logits.ts";

/** Answers forwards from the scripted oracle, in float64, without a model. */
export interface Oracle {
  readonly maskId: number;
  /** What the last forward saw of each canvas: with cached rows, the tokens of the time they were stored. */
  readonly seen: readonly Sight[];
  /** Row statistics of the wanted rows, as a model would give them. */
  forward(request: ForwardRequest): RowStats;
}

/** Chooses `sampledIds` and `sampledLogits` (and what is tempered, where asked for) from whole rows of logits. */
export type OracleDraw = (
  logits: Float32Array,
  vocab: number,
  stats: RowStats,
  noise: NoiseRequest,
  canvas: Int32Array,
) => void;

/**
 * @param draw how tokens are sampled; absent: the engine's own counter-based noise
 * @param before how many rows before a cell its logits are read, 0 or 1; absent: as the parameters shift them, which is right
 */
export function createOracle(
  seed: number,
  parameters: OracleParameters,
  draw?: OracleDraw,
  before: number = parameters.shift,
): Oracle {
  const { V, mask } = parameters;
  const divergence = createDivergenceTracker(V);
  const guide = createGuide(V);
  const models = new Map<number, ReturnType<typeof createKvModel>>();
  const modelOf = ({ lane = 0 }: ForwardRequest) => {
    const model = models.get(lane) ?? createKvModel(before === 1 ? 1 : 0);
    models.set(lane, model);
    return model;
  };
  let seen: readonly Sight[] = [];
  const answer = (request: ForwardRequest, canvases: readonly Int32Array[], rows: Int32Array): RowStats => {
    const [canvas, ...others] = canvases.map((ids) => logitsOf(seed, ids, rows, request, parameters, before));
    const logits = canvas ?? new Float32Array(0);
    const agreement = guide.apply(logits, others[0], request);
    const { noise, ...quiet } = request.signals;
    const signals = draw === undefined ? request.signals : quiet;
    const stats = allocateRowStats(rows, signals, "f64");
    reduceRows(logits, V, canvases[0]!, signals, request.suppress, stats);
    if (signals.klPrevious !== undefined) {
      divergence.track(rows, logits, stats.lse, signals.klPrevious, stats.klPrevious!);
    }
    if (noise !== undefined) draw?.(logits, V, stats, noise, canvases[0]!);
    return agreement === undefined ? stats : { ...stats, agreement };
  };
  return {
    maskId: mask,
    get seen() {
      return seen;
    },
    forward: (request) => {
      const cells = request.canvases[0]!.length;
      const beyond = request.rows.find((row) => row < 0 || row >= cells);
      if (beyond !== undefined) {
        throw new UnmaskError("internal", `A forward of ${cells} cells was asked about row ${beyond}.`);
      }
      seen = modelOf(request).see(request);
      const stats = answer(
        request,
        seen.map(({ ids }) => ids),
        request.rows,
      );
      if (request.drafts === undefined) return stats;
      return {
        ...stats,
        drafts: request.drafts.map((draft) =>
          answer(draftRequest(request, draft), [draft.canvas], draft.rows),
        ),
      };
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

/**
 * Logits for canvas rows, `[R, V]`, each from what its row may attend to. Where the row `before` predicts the cell, row 0
 * serves cell 0 too.
 */
function logitsOf(
  seed: number,
  canvas: Int32Array,
  rows: Int32Array,
  { attention, promptLen }: ForwardRequest,
  parameters: OracleParameters,
  before: number,
): Float32Array {
  const { V } = parameters;
  const logits = new Float32Array(rows.length * V);
  for (let r = 0; r < rows.length; r++) {
    const row = Math.max(0, rows[r]! - before);
    const end = attention.kind === "full" ? canvas.length : blockAround(row, attention, promptLen).end;
    oracleLogits(seed, canvas.subarray(0, end), row, parameters, logits.subarray(r * V, (r + 1) * V));
  }
  return logits;
}
