import { uniform } from "../../core/random.ts";
import { defineMemory } from "../memory.ts";
import type { Preset } from "../preset.ts";
import { masksInBlock } from "../progress.ts";
import { linspace32 } from "../quota.ts";
import { filledInBlock } from "../rows.ts";
import { temperedSampler } from "../sampler.ts";
import { blockSteps } from "../selector.ts";
import type { DecodeState, Reviser, Selector } from "../strategy.ts";
import { type Mixture, mixtureAt, type RemaskRule } from "./remask-mixture.ts";

/** Stand in for a row's token, so that these numbers never share a counter with others. */
const WRITE_STREAM = 0xffff_fffc;
const REMASK_STREAM = 0xffff_fffb;
const LAST_TIME = 1e-5;

/** Probability of each token of the canvas when it was written, by slot. */
const memory = defineMemory<{ written: Map<number, number> }>("remask-ancestral", () => ({
  written: new Map(),
}));

/**
 * Ancestral sampling in which written tokens may be taken back (ReMDM, arXiv 2503.00307; without that MDLM, arXiv
 * 2406.07524): in each step every mask becomes a token and every token a mask with the probabilities of the rule. The
 * last step fills what is left. A step that changes nothing costs no forward: its statistics hold for the next one.
 *
 * @param allSteps steps for the whole text
 */
export function remaskAncestral(
  rule: RemaskRule,
  allSteps: number,
): { selector: Selector; reviser: Reviser } {
  const stepsOf = (state: DecodeState): number => blockSteps(state.block, state.targets.length, allSteps);
  const isLast = (state: DecodeState): boolean => state.stepInBlock >= stepsOf(state) - 1;
  const mixture = (state: DecodeState, share: number): Mixture => {
    const steps = stepsOf(state);
    const t = linspace32(1, LAST_TIME, steps + 1)[state.stepInBlock]!;
    return mixtureAt(rule, t, Math.fround((1 - LAST_TIME) / steps), share);
  };
  const masksLeft = (state: DecodeState): number => masksInBlock(state, state.block.start);
  // Where nothing is taken back, a block without masks is done.
  const isPending = (state: DecodeState): boolean =>
    state.block.end > state.block.start &&
    state.stepInBlock < stepsOf(state) &&
    (rule.kind !== "none" || masksLeft(state) > 0);
  const selector: Selector = {
    scope: "open",
    isPending,
    reuses: () => true,
    // A forward answers for at least one row.
    watch: (state) => (masksLeft(state) > 0 ? [] : [state.targets[state.block.start]!]),
    select: ({ state, candidates, rng }) => {
      const [token, mask] = isLast(state) ? [1, 0] : mixture(state, 0).masked;
      return Array.from(candidates.rows.keys())
        .filter(
          (index) =>
            uniform(rng.seed, state.step, candidates.rows[index]!, WRITE_STREAM) < token / (token + mask),
        )
        .map((index) => ({ index, reason: "sampled" }));
    },
  };
  const reviser: Reviser = {
    revise: ({ state, rng }, commits) => {
      const { written } = memory.of(state);
      const { slots } = state.canvas;
      const visible = filledInBlock(state);
      const weights = visible.map((row) => Math.exp(-(written.get(slots[row]!) ?? 1)));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const remasks = isLast(state)
        ? []
        : visible.filter((row, i) => {
            const [, sigma] = mixture(state, weights[i]! / total).visible;
            return uniform(rng.seed, state.step, row, REMASK_STREAM) < sigma;
          });
      for (const row of remasks) written.delete(slots[row]!);
      for (const { row, conf } of commits) written.set(slots[row]!, conf ?? 1);
      return { remasks, overwrites: [] };
    },
  };
  return { selector, reviser };
}

/** MDLM's sampler with its cache: a step in which no mask is revealed repeats the last forward. */
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
export function remdmPresetOf(rule: RemaskRule, title: string): Preset {
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
