import { planForward } from "../cache/plan-forward.ts";
import type { Blend, Draft, ForwardRequest, Guidance, RowStats, SignalRequest } from "../core/types.ts";
import { type Canvas, GIVEN, MASKED } from "./canvas.ts";
import type { DecodeState, ModelTraits, Piece, Rng, Selector, Strategy } from "./strategy.ts";

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
    ...(all.some((needs) => needs.expected) ? { expected: true } : {}),
  };
}

/** Rows that pieces watch, ascending. */
function watchedRows(strategy: Strategy, state: DecodeState): Int32Array {
  const rows = new Set<number>();
  for (const piece of piecesOf(strategy)) for (const row of piece.watch?.(state) ?? []) rows.add(row);
  return Int32Array.from(rows).sort();
}

/** What the cache of a strategy makes of the forward, and the rows that it asks for. */
function cachePlan(
  strategy: Strategy,
  traits: ModelTraits,
  state: DecodeState,
  eligible: Int32Array,
  seen: number,
): ReturnType<typeof planForward> {
  const { cache: memory, canvas, targets, block, stepInBlock } = state;
  const isSeen = (row: number): boolean => row < seen;
  return planForward(strategy.cache, {
    memory,
    ids: canvas.ids.subarray(0, seen),
    maskId: traits.maskId,
    promptLen: canvas.promptLen,
    attention: traits.attention,
    shift: traits.logitsShift ?? 0,
    targets: targets.filter(isSeen),
    blockRows: targets.subarray(block.start, block.end).filter(isSeen),
    eligible,
    watched: watchedRows(strategy, state).filter(isSeen),
    stepInBlock,
  });
}

/**
 * The request of one denoise step; the canvas is copied, because the state goes on changing.
 *
 * @param eligible rows to choose from; with a cache the request may leave some of them out
 * @returns with the request, how many of its drafts are the selector's own; those of the reviser come behind them
 */
export function forwardRequest(
  strategy: Strategy,
  traits: ModelTraits,
  state: DecodeState,
  eligible: Int32Array,
  rng: Rng,
): { readonly request: ForwardRequest; readonly own: number } {
  const { selector, sampler, reviser, guide } = strategy;
  const { maskId } = traits;
  const guidance = guide?.plan(state) ?? strategy.guidance;
  const seen = selector.visible?.(state) ?? state.canvas.ids.length;
  const { kv, rows } = cachePlan(strategy, traits, state, eligible, seen);
  const canvas = state.canvas.ids.slice();
  const noise = sampler.noise(state, rng, rows);
  const gather = sampler.gather?.(state);
  const own = selector.drafts?.(state, maskId) ?? [];
  const drafts: readonly Draft[] = [...own, ...(reviser?.drafts?.(state, maskId) ?? [])];
  const request: ForwardRequest = {
    canvases: [canvas, ...branches(strategy, state, guidance, maskId)].map((ids) => ids.subarray(0, seen)),
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
    ...blendOf(strategy, state.canvas, seen),
    // A plan changes with every forward, and guidance may: then none is a repetition.
    ...(strategy.cache === undefined && guide === undefined && mayRepeat(selector, state)
      ? { repeats: true }
      : {}),
  };
  return { request, own: own.length };
}

/** Statistics with these of their drafts alone, `[from, to)`; themselves where they have no others. */
export function withDrafts(stats: RowStats, from: number, to?: number): RowStats {
  const { drafts: all, ...main } = stats;
  const drafts = all?.slice(from, to);
  if (drafts === undefined || drafts.length === all?.length) return stats;
  return drafts.length === 0 ? main : { ...main, drafts };
}

/**
 * A further look at some rows of a forward: the logits of just these ids. It computes and stores what the forward did,
 * and leaves nothing else behind: no draw, no draft, no distribution or guidance to go on from.
 */
export function closerRequest(
  { drafts: _drafts, repeats: _repeats, guidance, ...request }: ForwardRequest,
  wanted: ReadonlyMap<number, ArrayLike<number>>,
): ForwardRequest {
  const rows = Int32Array.from(wanted.keys());
  const gather = gatherTable(wanted, rows);
  return {
    ...request,
    rows,
    guidance: guidance.kind === "cfg" ? quiet(guidance) : guidance,
    signals: { topK: 1, entropy: false, current: false, probe: [], gather },
  };
}

function quiet({
  agreement: _agreement,
  store: _store,
  ...guidance
}: Extract<Guidance, { kind: "cfg" }>): Guidance {
  return guidance;
}

/**
 * What the masks of a canvas are read as. Cells that are written have no hint, so a token that a further canvas hides is
 * judged without one.
 *
 * @param seen leading cells that the forward sees
 */
export function blendOf(
  { hints }: Pick<Strategy, "hints">,
  { slots, kinds }: Canvas,
  seen: number = slots.length,
): { readonly blend?: Blend } {
  if (hints === undefined) return {};
  const ids = slots
    .subarray(0, seen)
    .map((slot, row) => (kinds[row] === MASKED ? (hints.ids[slot] ?? -1) : -1));
  return { blend: { ids, share: hints.share } };
}

/** The canvas is that of the last forward, and its statistics are all that is wanted. */
function mayRepeat({ reuses }: Selector, state: DecodeState): boolean {
  return state.nfe > 0 && !state.changed && reuses?.(state) === true;
}

/** What answering a request costs: forwards, canvases evaluated, and rows computed, where each canvas counts. */
export function costOf({ canvases, kv, drafts = [], repeats }: ForwardRequest): {
  nfe: number;
  branches: number;
  rows: number;
} {
  if (repeats === true) return { nfe: 0, branches: 0, rows: 0 };
  const rows = canvases.length * (kv?.queryRows.length ?? canvases[0]!.length);
  const evaluated = drafts.filter((draft) => draft.rows.length > 0);
  return {
    nfe: 1,
    branches: canvases.length + evaluated.length,
    rows: rows + evaluated.reduce((sum, { canvas }) => sum + (kv?.queryRows.length ?? canvas.length), 0),
  };
}

function gatherTable(
  wanted: ReadonlyMap<number, ArrayLike<number>>,
  rows: Int32Array,
): { width: number; ids: Int32Array } {
  const width = Math.max(1, ...Array.from(wanted.values(), (ids) => ids.length));
  const ids = new Int32Array(rows.length * width).fill(-1);
  for (const [r, row] of rows.entries()) ids.set(wanted.get(row) ?? [], r * width);
  return { width, ids };
}

/** The second canvas of a guided forward. */
function branches({ guide }: Strategy, state: DecodeState, guidance: Guidance, maskId: number): Int32Array[] {
  if (guidance.kind !== "cfg") return [];
  const own = guide?.unconditional?.(state, maskId);
  return [own ?? unprompted(state.canvas, maskId, guidance.keep ?? [])];
}

/** The canvas with everything that was given masked (LLaDA's unsupervised classifier-free guidance). */
function unprompted(canvas: Canvas, maskId: number, keep: readonly number[]): Int32Array {
  return canvas.ids.map((id, row) => (canvas.kinds[row] === GIVEN && !keep.includes(id) ? maskId : id));
}
