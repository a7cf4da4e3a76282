import fc from "fast-check";
import type { Span } from "../../core/types.ts";
import type { Canvas } from "../canvas.ts";
import { daedalPieces } from "../decoders/daedal.ts";
import { entropyGuard } from "../decoders/entropy-guard.ts";
import { type EotpGuard, eotpControl } from "../decoders/eotp.ts";
import { gapGrowth } from "../decoders/gap-growth.ts";
import { type DraftCheck, scepticalReviser } from "../decoders/warm-start.ts";
import { hintDraft, placeDraft } from "../pieces/draft.ts";
import type { ModelHints, Preset, Settings } from "../recipe/preset.ts";
import { PRESETS } from "../recipe/presets.ts";
import type { Strategy } from "../strategy.ts";

/**
 * What a recipe may put on a preset: a draft in its cells or blended into its masks, the entropy guard, end-of-text
 * prediction, a canvas that grows, gaps that grow.
 */
export const AXES = ["placed", "blended", "guard", "eotp", "growth", "gaps"] as const;
export type Axis = (typeof AXES)[number];

/** Settings of all axes. */
export interface Extras {
  readonly draft: readonly number[];
  readonly share: number;
  readonly keep: number;
  readonly check: DraftCheck;
  readonly slack: number;
  readonly eotp: EotpGuard;
  /** Below this probability a mask may become `factor`. */
  readonly low: number;
  readonly factor: number;
}

const extras: fc.Arbitrary<Extras> = fc.record({
  draft: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 16 }),
  share: fc.constantFrom(1, 1, 0.5),
  keep: fc.constantFrom(0, 0.3, 1),
  check: fc.constantFrom<DraftCheck>("seen", "hidden"),
  slack: fc.constantFrom(0, 0, 0.5),
  eotp: fc.record({
    minConf: fc.constantFrom(0, 0.5, 0.9),
    notBefore: fc.constantFrom<EotpGuard["notBefore"]>("start", "block-end"),
    minTokens: fc.constantFrom(0, 3),
  }),
  low: fc.constantFrom(0.1, 0.6, 1),
  factor: fc.constantFrom(2, 4),
});

export { extras as anyExtras };

/** Presets that take it: what the engine refuses is not asked of a preset (composition.test.ts compares the two). */
export function presetsWith(axis: Axis, alone: (name: string) => Strategy): readonly string[] {
  return Object.keys(PRESETS).filter((name) => accepts(axis, name, PRESETS[name]!, alone(name)));
}

function accepts(axis: Axis, name: string, preset: Preset, alone: Strategy): boolean {
  const { selector, blocks, demands } = alone;
  if (axis === "placed") {
    return alone.reviser === undefined && alone.length === undefined && preset.blockwise !== true;
  }
  if (axis === "blended") return alone.length === undefined && name !== "warm-start";
  if (axis === "guard") return alone.reviser === undefined && name !== "warm-start";
  if (axis === "eotp") return alone.length === undefined;
  return (
    (axis === "growth" || preset.continuationOnly !== true) &&
    blocks.refine === undefined &&
    selector.plan === undefined &&
    !preset.keys.includes("steps") &&
    selector.visible === undefined &&
    demands?.drafts !== true &&
    preset.revises !== true &&
    alone.stop === undefined
  );
}

/** Whether nothing may stand behind the cells to be filled. */
export function isContinued(axis: Axis | undefined): boolean {
  return axis === "placed" || axis === "eotp" || axis === "growth";
}

/** Where the axis meets a preset. */
export interface Place {
  /** A draft is put into it. */
  readonly canvas: Canvas;
  readonly gaps: readonly Span[];
  readonly settings: Settings;
  readonly hints: ModelHints;
  readonly seed: number;
}

/** The strategy with what the axis adds, as the engine completes it. */
export function withAxis(
  axis: Axis,
  strategy: Strategy,
  { draft, share, keep, check, slack, eotp, low, factor }: Extras,
  { canvas, gaps, settings, hints, seed }: Place,
): Strategy {
  const first = gaps[0]!.start;
  const ids = Int32Array.from(draft.slice(0, gaps[0]!.end - first));
  switch (axis) {
    case "placed": {
      placeDraft(canvas, first, ids, { share, seed });
      // Guidance has nothing for further canvases.
      return { ...strategy, reviser: scepticalReviser(keep, settings.guidance.cfg === 0 ? check : "seen") };
    }
    case "blended":
      return { ...strategy, hints: hintDraft(canvas, first, ids, { share, seed, blend: 0.5 }) };
    case "guard":
      return { ...strategy, reviser: entropyGuard(slack) };
    case "eotp":
      return { ...strategy, length: eotpControl({ ...eotp, eosIds: hints.eos, scope: "canvas" }) };
    case "growth": {
      const { length, blocks } = daedalPieces({ low, factor, window: 8 }, settings, hints);
      return { ...strategy, length, blocks };
    }
    case "gaps": {
      const cells = canvas.ids.length;
      return {
        ...strategy,
        length: gapGrowth({ free: gaps, cells, low, factor, most: 16, room: cells + 12 }),
      };
    }
  }
}
