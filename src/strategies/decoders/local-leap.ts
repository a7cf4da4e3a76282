import { rank } from "../pieces/selector.ts";
import type { Preset } from "../recipe/preset.ts";
import type { Pick, Selector } from "../strategy.ts";

export interface LocalLeapOptions {
  /** Score of an anchor. */
  readonly threshold: number;
  /** What a row within `radius` cells of an anchor needs instead. */
  readonly relaxed: number;
  readonly radius: number;
}

/** LocalLeap (arXiv 2510.07081): near a confident row a lower confidence is enough. The best row always. */
export function localLeapSelector({ threshold, relaxed, radius }: LocalLeapOptions): Selector {
  return {
    select: ({ candidates: { rows } }, scores) => {
      const anchors = rows.filter((_row, index) => scores[index]! >= threshold);
      return rank(scores).flatMap((index, place): Pick[] => {
        if (scores[index]! >= threshold) return [{ index, reason: "anchor" }];
        const near = anchors.some((anchor) => Math.abs(anchor - rows[index]!) <= radius);
        if (near && scores[index]! >= relaxed) return [{ index, reason: "neighbour" }];
        return place === 0 ? [{ index, reason: "best" }] : [];
      });
    },
  };
}

/** Radius and the relaxed threshold (0.15 below the other) are the paper's. */
export const localLeapPreset: Preset = {
  title: "LocalLeap: a lower threshold next to confident tokens",
  keys: ["threshold"],
  pieces: ({ threshold }) => ({
    selector: localLeapSelector({ threshold, relaxed: Math.max(0, threshold - 0.15), radius: 4 }),
  }),
};
