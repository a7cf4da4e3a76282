import { uniform } from "../../core/random.ts";
import { RANDOM_STREAMS } from "../../core/random-streams.ts";
import { defineMemory } from "../memory.ts";
import { linspace32 } from "../pieces/quota.ts";
import { temperedSampler } from "../pieces/sampler.ts";
import { blockSteps } from "../pieces/selector.ts";
import { masksInBlock } from "../progress.ts";
import type { Preset } from "../recipe/preset.ts";
import { filledInBlock } from "../rows.ts";
import type { DecodeState, Reviser, Selector, Step } from "../strategy.ts";
import { type Mixture, mixtureAt, type RemaskRule } from "./remask-mixture.ts";

const LAST_TIME = 1e-5;

interface AncestralMemory {
  block: number;
  /** Steps of the block that have been taken. */
  time: number;
  /** Probability of each token when it was written, by slot. */
  written: Map<number, number>;
}

const memory = defineMemory<AncestralMemory>("remask-ancestral", () => ({
  block: -1,
  time: 0,
  written: new Map(),
}));

/** What the reference does otherwise; only replays ask for it. */
export interface AncestralReplay {
  /** The uniform in (0, 1) that decides about a cell in the step whose tokens were drawn last. */
  coin(row: number): number;
  /** A forward behind the last step fills what that leaves with the best tokens; without it, that stays. */
  readonly cleanup: boolean;
  /** Weights of each step, in place of those of the rule. */
  readonly mixtures?: readonly Mixture[];
}

/** What a step of the process does: indices of the candidates that are written, and rows that are taken back. */
interface Change {
  readonly picks: readonly number[];
  readonly remasks: readonly number[];
}

/**
 * Ancestral sampling in which written tokens may be taken back (ReMDM, arXiv 2503.00307; without that MDLM, arXiv
 * 2406.07524): in each step every mask becomes a token and every token a mask with the probabilities of the rule. The
 * last step fills what is left. Steps that change nothing are taken together with the next that does: the prediction
 * would be the same, which is MDLM's cache.
 *
 * @param allSteps steps for the whole text
 * @param replay with it every step of the process draws its own tokens and is told, whether it changes anything or not
 */
export function remaskAncestral(
  rule: RemaskRule,
  allSteps: number,
  replay?: AncestralReplay,
): { selector: Selector; reviser: Reviser } {
  const stepsOf = (state: DecodeState): number => blockSteps(state.block, state.targets.length, allSteps);
  const passesOf = (state: DecodeState): number => stepsOf(state) + (replay?.cleanup === true ? 1 : 0);
  const keptOf = (state: DecodeState): AncestralMemory => {
    const kept = memory.of(state);
    if (kept.block !== state.block.start) Object.assign(kept, { block: state.block.start, time: 0 });
    return kept;
  };
  const masksLeft = (state: DecodeState): number => masksInBlock(state, state.block.start);
  /** Draws steps of the process, by their number. */
  const changesOf = ({ state, candidates: { rows }, rng }: Step): ((time: number) => Change) => {
    const { written } = keptOf(state);
    const steps = stepsOf(state);
    const grid = linspace32(1, LAST_TIME, steps + 1);
    const visible = filledInBlock(state);
    const weights = visible.map((row) => Math.exp(-(written.get(state.canvas.slots[row]!) ?? 1)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return (time) => {
      const mixture = (share: number): Mixture =>
        replay?.mixtures?.[time] ?? mixtureAt(rule, grid[time]!, Math.fround((1 - LAST_TIME) / steps), share);
      const hits = (row: number, stream: number, p: number): boolean =>
        (replay === undefined ? uniform(rng.seed, time, row, stream) : replay.coin(row)) < p;
      const [token, mask] = mixture(0).masked;
      return {
        picks: [...rows.keys()].filter((index) =>
          hits(rows[index]!, RANDOM_STREAMS.write, token / (token + mask)),
        ),
        remasks: visible.filter((row, i) =>
          hits(row, RANDOM_STREAMS.remask, mixture(weights[i]! / total).visible[1]),
        ),
      };
    };
  };
  /** What is taken back in a step, decided with what it commits. */
  const decided = new WeakMap<Step, readonly number[]>();
  const selector: Selector = {
    scope: "open",
    // Where nothing is taken back, a block without masks is done.
    isPending: (state) =>
      state.block.end > state.block.start &&
      keptOf(state).time < passesOf(state) &&
      (replay !== undefined || rule.kind !== "none" || masksLeft(state) > 0),
    // A forward answers for at least one row.
    watch: (state) => (masksLeft(state) > 0 ? [] : [state.targets[state.block.start]!]),
    select: (step) => {
      const kept = keptOf(step.state);
      const passes = passesOf(step.state);
      const changeAt = changesOf(step);
      const drawnPasses = replay?.cleanup === false ? passes : passes - 1;
      let change: Change | null = null;
      while (change === null && kept.time < drawnPasses) {
        const drawn = changeAt(kept.time++);
        if (replay !== undefined || drawn.picks.length + drawn.remasks.length > 0) change = drawn;
      }
      if (change === null) {
        kept.time = passes;
        change = { picks: [...step.candidates.rows.keys()], remasks: [] };
      }
      decided.set(step, change.remasks);
      return change.picks.map((index) => ({ index, reason: "sampled" }));
    },
  };
  const reviser: Reviser = {
    revise: (step, commits) => {
      const { written } = memory.of(step.state);
      const { slots } = step.state.canvas;
      const remasks = decided.get(step) ?? [];
      for (const row of remasks) written.delete(slots[row]!);
      for (const { row, conf } of commits) written.set(slots[row]!, conf ?? 1);
      return { remasks, overwrites: [] };
    },
  };
  return { selector, reviser };
}

/** MDLM's sampler with its cache: steps in which no mask is revealed take no forward. */
export const mdlmPreset: Preset = {
  title: "MDLM: ancestral sampling, steps that change nothing cost nothing",
  keys: ["steps"],
  moreSteps: true,
  unranked: true,
  defaults: { block: Number.MAX_SAFE_INTEGER, temperature: 1 },
  pieces: (settings) => ({
    selector: remaskAncestral({ kind: "none" }, settings.steps).selector,
    sampler: temperedSampler(settings),
  }),
};

/** The paper's nucleus of 0.9. */
function remdmPresetOf(rule: RemaskRule, title: string): Preset {
  return {
    title,
    keys: ["steps"],
    moreSteps: true,
    unranked: true,
    revises: true,
    defaults: { block: Number.MAX_SAFE_INTEGER, temperature: 1, topP: 0.9 },
    pieces: (settings) => ({
      ...remaskAncestral(rule, settings.steps),
      sampler: temperedSampler(settings),
    }),
  };
}

export const remdmCapPreset = remdmPresetOf(
  { kind: "cap", eta: 0.008 },
  "ReMDM: takes tokens back, each with a capped probability",
);

export const remdmRescalePreset = remdmPresetOf(
  { kind: "rescale", eta: 0.015 },
  "ReMDM: takes tokens back with a share of the largest probability",
);

export const remdmConfPreset = remdmPresetOf(
  { kind: "conf" },
  "ReMDM: takes tokens back that were written with little confidence",
);

export const remdmLoopPreset = remdmPresetOf(
  { kind: "loop", eta: 0.02, on: 0.55, off: 0.05, alpha: 0.9 },
  "ReMDM: writes most, then takes tokens back in a loop, then finishes",
);
