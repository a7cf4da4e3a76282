import type { Denoiser, ForwardRequest, RowStats, Span } from "../../core/types.ts";
import type { ModelTraits } from "../../strategies/strategy.ts";

/** Cells that a gap of free length has at first, and that it grows by while the model does not end its text in it. */
export const FREE_GAP = 8;
/** Cells of the longest gap that is looked for. */
export const MAX_FREE_GAP = 32;
/** Lengths that are compared for a model without padding. */
const PROBED = [2, 4, 8, 16, 32];

/** A canvas with free gaps of certain sizes. */
export interface GapLayout {
  readonly ids: Int32Array;
  /** Where the free gaps are, in the order of the text. */
  readonly free: readonly Span[];
  readonly promptLen: number;
}

export interface ProbeSetting {
  readonly traits: ModelTraits;
  /** Ids that mean "nothing more here": padding and the end of a text. Empty for a model without padding. */
  readonly endings: readonly number[];
  readonly maxCanvas: number;
  lay(sizes: readonly number[]): GapLayout;
  /** Asked before each forward; true leaves the sizes as they are. */
  stop(): boolean;
}

export interface GapProbe {
  /** Cells of each free gap, in the order of the text. */
  readonly sizes: readonly number[];
  readonly nfe: number;
  readonly rows: number;
}

/**
 * Finds how many cells a text needs where it may have any length: `[[?]]`.
 *
 * A model that was trained with padding at the end of gaps says so itself: the gap grows by eight cells until its last
 * ones are predicted to be padding, and those are cut off. When it never does, and for any other model, it is the length
 * at which the model is surest of its best tokens (mean log-probability, one forward a length).
 *
 * @param count free gaps; each is found with the others at the size they have so far
 * @throws UnmaskError whatever the denoiser rejects with
 */
export async function probeGaps(count: number, denoiser: Denoiser, setting: ProbeSetting): Promise<GapProbe> {
  const sizes = new Array<number>(count).fill(FREE_GAP);
  let nfe = 0;
  let rows = 0;
  /** Statistics of one gap at one size; null when it does not fit or the run is stopped. */
  const look = async (gap: number, size: number): Promise<RowStats | null> => {
    const layout = setting.lay(sizes.with(gap, size));
    if (size > MAX_FREE_GAP || layout.ids.length > setting.maxCanvas || setting.stop()) return null;
    nfe++;
    rows += layout.ids.length;
    return denoiser.forward(requestOf(layout, layout.free[gap]!, setting.traits));
  };
  for (let gap = 0; gap < count; gap++) {
    sizes[gap] =
      setting.endings.length > 0 ? await padded(gap, look, setting.endings) : await surest(gap, look);
  }
  return { sizes, nfe, rows };
}

/**
 * Makes the sizes of free gaps ones that a constraint can fill: the next larger one there is, or else the next smaller.
 * A gap that can have none keeps its size.
 *
 * @param sizes of each free gap
 * @param room cells that all of them have together
 * @param lengths cells, up to a number, that a text for this free gap can fill, ascending
 */
export function constrainedSizes(
  sizes: readonly number[],
  room: number,
  lengths: (gap: number, most: number) => readonly number[],
): readonly number[] {
  const fitted = [...sizes];
  for (const [gap, size] of sizes.entries()) {
    const left = room - fitted.reduce((sum, cells) => sum + cells, 0);
    const possible = lengths(gap, size + Math.max(0, left)).filter((length) => length > 0);
    fitted[gap] = possible.find((length) => length >= size) ?? possible.at(-1) ?? size;
  }
  return fitted;
}

type Look = (gap: number, size: number) => Promise<RowStats | null>;

async function padded(gap: number, look: Look, endings: readonly number[]): Promise<number> {
  let best = NOTHING;
  for (let size = FREE_GAP; ; size += FREE_GAP) {
    const stats = await look(gap, size);
    if (stats === null) return best.size;
    let used = size;
    while (used > 0 && endings.includes(stats.topIds[(used - 1) * stats.k]!)) used--;
    if (used < size) return Math.max(1, used);
    best = surer(best, size, stats);
  }
}

async function surest(gap: number, look: Look): Promise<number> {
  let best = NOTHING;
  for (const size of PROBED) {
    const stats = await look(gap, size);
    if (stats === null) break;
    best = surer(best, size, stats);
  }
  return best.size;
}

interface Scored {
  readonly size: number;
  /** Mean log-probability of the best tokens. */
  readonly score: number;
}

const NOTHING: Scored = { size: 1, score: Number.NEGATIVE_INFINITY };

function surer(best: Scored, size: number, stats: RowStats): Scored {
  let score = 0;
  for (let r = 0; r < size; r++) score += (stats.topLogits[r * stats.k]! - stats.lse[r]!) / size;
  return score > best.score ? { size, score } : best;
}

function requestOf({ ids, promptLen }: GapLayout, { start, end }: Span, traits: ModelTraits): ForwardRequest {
  return {
    canvases: [ids],
    rows: Int32Array.from({ length: end - start }, (_, i) => start + i),
    attention: traits.attention,
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: false, current: false, probe: [] },
    suppress: [traits.maskId],
    kv: null,
    promptLen,
  };
}
