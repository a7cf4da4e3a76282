import { planForward } from "../cache/plan-forward.ts";
import type { Draft, ForwardRequest, SignalRequest } from "../core/types.ts";
import { type Canvas, GIVEN } from "./canvas.ts";
import type { DecodeState, ModelTraits, Piece, Rng, Strategy } from "./strategy.ts";

type Needs = Omit<SignalRequest, "noise" | "gather" | "klPrevious">;

function piecesOf(strategy: Strategy): readonly Piece[] {
  const { blocks, sampler, scorer, selector, reviser, length, stop } = strategy;
  return [blocks, sampler, scorer, selector, reviser, length, stop].filter((piece) => piece !== undefined);
}

/** The union of what the pieces of a strategy read. */
export function needsOf(strategy: Strategy): Needs {
  const all = piecesOf(strategy).map(({ needs }) => needs ?? {});
  const probe = [...new Set(all.flatMap((needs) => needs.probe ?? []))];
  return {
    topK: Math.max(1, ...all.map((needs) => needs.topK ?? 1)),
    entropy: all.some((needs) => needs.entropy),
    current: all.some((needs) => needs.current),
    probe,
    ...(all.some((needs) => needs.tempered) ? { tempered: true } : {}),
  };
}

/** Rows of a forward: those to choose from and those that pieces watch, ascending. */
export function watchedRows(strategy: Strategy, state: DecodeState, eligible: Int32Array): Int32Array {
  const watchers = piecesOf(strategy).filter(({ watch }) => watch !== undefined);
  if (watchers.length === 0) return eligible;
  const rows = new Set(eligible);
  for (const piece of watchers) for (const row of piece.watch!(state)) rows.add(row);
  return Int32Array.from(rows).sort();
}

/** What the cache of a strategy makes of the forward, and the wanted rows that it computes. */
function cachePlan(
  { cache }: Strategy,
  traits: ModelTraits,
  { cache: memory, canvas, targets, block, stepInBlock }: DecodeState,
  wanted: Int32Array,
): ReturnType<typeof planForward> {
  return planForward(cache, {
    memory,
    ids: canvas.ids,
    maskId: traits.maskId,
    promptLen: canvas.promptLen,
    attention: traits.attention,
    shift: traits.logitsShift ?? 0,
    targets,
    blockRows: targets.subarray(block.start, block.end),
    eligible: wanted,
    stepInBlock,
  });
}

/** The request of one denoise step; the canvas is copied, because the state goes on changing. */
export function forwardRequest(
  strategy: Strategy,
  traits: ModelTraits,
  state: DecodeState,
  wanted: Int32Array,
  rng: Rng,
): ForwardRequest {
  const { selector, sampler, reviser, guidance } = strategy;
  const { kv, rows } = cachePlan(strategy, traits, state, wanted);
  // With a cache the plan says what is seen.
  const seen = (kv === null ? selector.visible?.(state) : undefined) ?? state.canvas.ids.length;
  const canvas = state.canvas.ids.slice(0, seen);
  const noise = sampler.noise(state, rng, rows);
  const gather = sampler.gather?.(state);
  const drafts: readonly Draft[] = [
    ...(selector.drafts?.(state, traits.maskId) ?? []),
    ...(reviser?.drafts?.(state, traits.maskId) ?? []),
  ];
  return {
    canvases:
      guidance.kind === "cfg"
        ? [canvas, unconditional(state.canvas, traits.maskId, guidance.keep ?? []).slice(0, seen)]
        : [canvas],
    rows,
    attention: traits.attention,
    guidance,
    signals: {
      ...needsOf(strategy),
      ...(noise === undefined ? {} : { noise }),
      ...(gather === undefined ? {} : { gather: gatherTable(gather, rows) }),
      ...(selector.tracksKl === true ? { klPrevious: state.step === 0 ? "first" : "next" } : {}),
    },
    suppress: traits.suppress,
    kv,
    promptLen: state.canvas.promptLen,
    ...(drafts.length === 0 ? {} : { drafts }),
    ...(state.nfe > 0 && !state.changed && selector.reuses?.(state) === true ? { repeats: true } : {}),
  };
}

function gatherTable(
  wanted: ReadonlyMap<number, readonly number[]>,
  rows: Int32Array,
): { width: number; ids: Int32Array } {
  const width = Math.max(1, ...Array.from(wanted.values(), (ids) => ids.length));
  const ids = new Int32Array(rows.length * width).fill(-1);
  for (const [r, row] of rows.entries()) ids.set(wanted.get(row) ?? [], r * width);
  return { width, ids };
}

/** The canvas with everything that was given masked (LLaDA's unsupervised classifier-free guidance). */
function unconditional(canvas: Canvas, maskId: number, keep: readonly number[]): Int32Array {
  return canvas.ids.map((id, row) => (canvas.kinds[row] === GIVEN && !keep.includes(id) ? maskId : id));
}
