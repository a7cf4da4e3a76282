import type { Guidance } from "../../core/types.ts";
import { FILLED } from "../canvas.ts";
import { defineMemory } from "../memory.ts";
import { bestProbability } from "../rows.ts";
import type { DecodeState, GuidanceControl } from "../strategy.ts";

/** Classifier-free guidance; scale 0 is the plain model and must not cost a second forward. */
export function cfgGuidance(scale: number, keep: readonly number[] = []): Guidance {
  return scale === 0 ? { kind: "none" } : { kind: "cfg", scale, keep };
}

export interface AdaptiveOptions {
  readonly scale: number;
  /** Given ids that the unconditional branch still sees. */
  readonly keep?: readonly number[];
  /** Mean cosine of the branches from which on they agree. */
  readonly cosine: number;
  /** Steps in a row that they have to agree. */
  readonly steps: number;
}

const agreeing = defineMemory<{ block: number; steps: number }>("adaptive-guidance", () => ({
  block: -1,
  steps: 0,
}));

/**
 * Adaptive Guidance (arXiv 2312.12487): once the branches agree, the unconditional one is left out. There for the rest of
 * the image; here for the rest of the block, because the cells of the next one have not been looked at.
 */
export function adaptiveGuidance({ scale, keep = [], cosine, steps }: AdaptiveOptions): GuidanceControl {
  return {
    plan: (state) => {
      const known = agreeing.of(state);
      if (known.block !== state.block.start) Object.assign(known, { block: state.block.start, steps: 0 });
      return known.steps >= steps ? { kind: "none" } : { kind: "cfg", scale, keep, agreement: true };
    },
    observe: (state, stats) => {
      if (stats.agreement === undefined) return;
      const known = agreeing.of(state);
      known.steps = stats.agreement >= cosine ? known.steps + 1 : 0;
    },
  };
}

export interface ResidualOptions {
  readonly scale: number;
  /** Given ids that the unconditional branch still sees. */
  readonly keep?: readonly number[];
  /** Forwards from one evaluation of the unconditional branch to the next; 0: only when a block opens. */
  readonly every: number;
  /** What the kept logits are multiplied with. */
  readonly decay: number;
}

const kept = defineMemory<{ age: number; cells: number }>("residual-guidance", () => ({ age: 0, cells: -1 }));

/**
 * Residual guidance (RCFG of StreamDiffusion, arXiv 2312.12491, its "onetime-negative" kind): the unconditional branch is
 * evaluated when a block opens and its logits are used again, decayed, until the next time. (dLLM-Cache's
 * `cfg_interval_steps` is the same with `every`.)
 */
export function residualGuidance({ scale, keep = [], every, decay }: ResidualOptions): GuidanceControl {
  return {
    plan: (state) => {
      const { age, cells } = kept.of(state);
      const isDue = state.stepInBlock === 0 || (every > 0 && age >= every);
      return isDue || cells !== state.canvas.ids.length
        ? { kind: "cfg", scale, keep, store: true }
        : { kind: "residual", scale, decay };
    },
    observe: (state, _stats, guidance) => {
      const known = kept.of(state);
      known.age = guidance.kind === "cfg" ? 1 : known.age + 1;
      known.cells = state.canvas.ids.length;
    },
  };
}

export interface WeakOptions {
  readonly scale: number;
  /** Share of the tokens written so far that the second branch does not see. */
  readonly share: number;
}

/** Best probability of each cell when it was last looked at, by slot. */
const confidences = defineMemory<Map<number, number>>("weak-guidance", () => new Map());

/**
 * A-CFG (arXiv 2505.20199): guides away from what the model would say without its own weakest tokens. The second branch
 * keeps the prompt and masks the share of the written tokens that was least confident when its cell was last looked at.
 */
export function weakGuidance({ scale, share }: WeakOptions): GuidanceControl {
  return {
    plan: () => ({ kind: "cfg", scale }),
    observe: (state, stats) => {
      const known = confidences.of(state);
      for (const [r, row] of stats.rows.entries()) {
        if (state.canvas.kinds[row] !== FILLED) {
          known.set(state.canvas.slots[row]!, bestProbability(stats, r));
        }
      }
    },
    unconditional: (state, maskId) => {
      const ids = state.canvas.ids.slice();
      for (const row of weakest(state, share)) ids[row] = maskId;
      return ids;
    },
  };
}

function weakest(state: DecodeState, share: number): number[] {
  const { kinds, slots } = state.canvas;
  const known = confidences.of(state);
  const confidence = (row: number): number => known.get(slots[row]!) ?? 0;
  const written = Array.from(state.targets).filter((row) => kinds[row] === FILLED);
  return written
    .toSorted((a, b) => confidence(a) - confidence(b) || a - b)
    .slice(0, Math.ceil(share * written.length));
}
