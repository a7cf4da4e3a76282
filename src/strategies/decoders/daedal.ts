import { MASKED } from "../canvas.ts";
import { rank } from "../pieces/selector.ts";
import type { ModelHints, Preset, Settings } from "../recipe/preset.ts";
import { bestProbability, positionOf, sampledProbability } from "../rows.ts";
import type { BlockSchedule, DecodeState, LengthControl, LengthEdit, Selector, Step } from "../strategy.ts";

export interface DaedalOptions {
  /** What stands behind a text: its end token, and padding where a model has it. The last one fills the tail. */
  readonly endIds: readonly number[];
  /** Most cells to fill. */
  readonly maxLength: number;
  /** Cells of the window that is filled. */
  readonly block: number;
  /** Commit above this probability, strict. */
  readonly high: number;
  /** A mask below this probability, strict, may become several. */
  readonly low: number;
  /** Masks that such a mask becomes, and that the canvas grows by at first. */
  readonly factor: number;
  /** The canvas grows at first while the confidence in its end is below this. */
  readonly startEos: number;
  /** A mask grows only while the confidence in the end of the canvas is below this. */
  readonly growEos: number;
  /** Rows from the end that the confidence in the end is averaged over. */
  readonly window: number;
  /** A mask becomes as many as there is room for; without it the tail of the canvas makes room, as in the reference. */
  readonly keepsTail?: boolean;
}

/**
 * How sure the model is that the text ends within the canvas: the probabilities of the last `window` rows whose best
 * token is one of the ends, divided by `window` however many there are.
 */
export function endConfidence(
  { state, stats }: Pick<Step, "state" | "stats">,
  endIds: readonly number[],
  window: number,
): number {
  let sum = 0;
  let found = 0;
  for (let i = state.targets.length - 1; i >= 0 && found < window; i--) {
    const r = positionOf(stats.rows, state.targets[i]!);
    if (!endIds.includes(stats.topIds[r * stats.k]!)) continue;
    sum += bestProbability(stats, r);
    found++;
  }
  return sum / window;
}

/**
 * DAEDAL (arXiv 2508.00819): finds a length before it writes, by adding masks until the model expects the text to end
 * within them, and while it writes turns its most doubtful mask into several. Needs a model that fills what is left
 * behind the text with its end token.
 */
export function daedal(options: DaedalOptions): {
  selector: Selector;
  length: LengthControl;
  blocks: BlockSchedule;
} {
  const { high, block } = options;
  const selector: Selector = {
    select: ({ candidates, traits }, scores) => {
      const order = rank(scores).filter((index) => candidates.ids[index] !== traits.maskId);
      const sure = order.filter((index) => scores[index]! > high);
      return sure.length > 0
        ? sure.map((index) => ({ index, reason: "threshold" }))
        : order.slice(0, 1).map((index) => ({ index, reason: "best" }));
    },
  };
  return { selector, length: daedalLength(options), blocks: movingWindow(block) };
}

/** A window of fixed size that moves on by its size when it holds no mask; cells pushed out of it come later. */
function movingWindow(size: number): BlockSchedule {
  const at = (start: number, { targets }: DecodeState) => ({
    start,
    end: Math.min(start + size, targets.length),
  });
  return {
    next: (state) => {
      const start = state.block.end === 0 ? 0 : state.block.start + size;
      return start >= state.targets.length ? null : at(start, state);
    },
    refit: (state) => at(state.block.start, state),
  };
}

function daedalLength(options: DaedalOptions): LengthControl {
  const { endIds, maxLength, factor, low, startEos, growEos, window, keepsTail = false } = options;
  return {
    watch: ({ targets }) => targets,
    prepare: (step) => {
      const { canvas, targets } = step.state;
      const room = maxLength - targets.length;
      if (endConfidence(step, endIds, window) < startEos && room > 0) {
        const n = Math.min(factor, room);
        return { edit: grow(canvas.ids.length, n, "longer start"), again: true };
      }
      const n = Math.min(Math.floor(window / 2), room);
      if (n <= 0) return { edit: null, again: false };
      const commits = Array.from({ length: n }, (_, i) => ({
        row: canvas.ids.length + i,
        id: endIds.at(-1)!,
        conf: null,
        reason: "fill" as const,
      }));
      return { edit: { ...grow(canvas.ids.length, n, "end of text"), commits }, again: false };
    },
    edit: (step, commits) => {
      const { state, stats, candidates } = step;
      if (state.targets.length >= maxLength || endConfidence(step, endIds, window) >= growEos) return null;
      const taken = new Set(commits.map(({ row }) => row));
      let worst = { row: -1, p: low };
      for (const [index, row] of candidates.rows.entries()) {
        const p = sampledProbability(stats, candidates.at[index]!);
        if (!taken.has(row) && state.canvas.kinds[row] === MASKED && p < worst.p) worst = { row, p };
      }
      if (worst.row < 0) return null;
      const at = worst.row + 1;
      const room = maxLength - state.targets.length;
      const edit = grow(at, keepsTail ? Math.min(factor - 1, room) : factor - 1, "doubtful mask");
      const over = factor - 1 - room;
      return keepsTail || over <= 0 ? edit : { ...edit, ...fitted(state, at, factor - 1, over) };
    },
  };
}

function grow(at: number, n: number, why: string): LengthEdit {
  return { inserts: [{ at, n }], deletes: [], why };
}

/** An insertion of which `over` cells are too many: the tail of the canvas goes, then the insertion itself. */
function fitted(
  { canvas }: DecodeState,
  at: number,
  n: number,
  over: number,
): Pick<LengthEdit, "inserts" | "deletes"> {
  const tail = Math.min(over, canvas.ids.length - at);
  return {
    inserts: [{ at, n: n - (over - tail) }],
    deletes: tail > 0 ? [{ at: canvas.ids.length - tail, n: tail }] : [],
  };
}

/** What a recipe may say about it; the paper's values where it does not, and its L_max is the room there is. */
export type DaedalLength = {
  readonly [Key in "factor" | "low" | "startEos" | "growEos" | "window" | "maxLength"]?: number | undefined;
};

/** DAEDAL's length alone, for a decoder that chooses by itself. */
export function daedalPieces(
  asked: DaedalLength,
  { threshold, block }: Pick<Settings, "threshold" | "block">,
  { eos, pad, room }: Pick<ModelHints, "eos" | "pad" | "room">,
): ReturnType<typeof daedal> {
  return daedal({
    endIds: [...eos, pad],
    maxLength: Math.min(room, asked.maxLength ?? room),
    block,
    high: threshold,
    low: asked.low ?? 0.1,
    factor: asked.factor ?? 8,
    startEos: asked.startEos ?? 0.5,
    growEos: asked.growEos ?? 0.9,
    window: asked.window ?? 32,
    keepsTail: true,
  });
}

/** The paper's thresholds. It starts from the recipe's length and grows it up to what the caller allows. */
export const daedalPreset: Preset = {
  title: "DAEDAL: finds the length of the text while it writes",
  keys: ["threshold"],
  continuationOnly: true,
  defaults: { length: 64 },
  pieces: (settings, model) => ({
    ...daedalPieces({}, settings, model),
    demands: { looksAhead: true },
  }),
};
