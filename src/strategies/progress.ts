import { MASKED } from "./canvas.ts";
import type { DecodeState, Rng, Selector, Strategy } from "./strategy.ts";

/** Where a run stands in its blocks. */

/** Masks that may be chosen now, as far as the forward sees. */
export function eligibleRows({ selector }: Strategy, state: DecodeState): Int32Array {
  const { targets, block } = state;
  const region =
    selector.scope === "canvas" ? targets : targets.subarray(firstReached(selector, state), block.end);
  const seen = selector.visible?.(state) ?? state.canvas.ids.length;
  return region.filter((row) => row < seen && state.canvas.kinds[row] === MASKED);
}

function firstReached({ scope }: Selector, { block }: DecodeState): number {
  return scope === "open" ? block.start : 0;
}

export function isBlockDone(strategy: Strategy, state: DecodeState): boolean {
  const { selector, reviser } = strategy;
  if (state.stepInBlock >= (selector.limit?.(state) ?? Number.POSITIVE_INFINITY)) return true;
  if (selector.isPending?.(state) === true) return false;
  return masksInBlock(state, firstReached(selector, state)) === 0 && reviser?.isPending?.(state) !== true;
}

/** Whether a step without any change means that no later one of this block would change anything. */
export function isIdle({ selector }: Strategy, state: DecodeState): boolean {
  const isPlanned = selector.isPending?.(state) === true || selector.limit !== undefined;
  return !isPlanned && masksInBlock(state, firstReached(selector, state)) > 0;
}

/** Masks from target index `from` to the end of the open block. */
export function masksInBlock({ canvas, targets, block }: DecodeState, from: number): number {
  let masks = 0;
  for (let i = from; i < block.end; i++) if (canvas.kinds[targets[i]!] === MASKED) masks++;
  return masks;
}

export function openBlock({ blocks, selector }: Strategy, state: DecodeState, rng: Rng): boolean {
  const block = blocks.next(state);
  if (block === null) return false;
  state.block = block;
  state.stepInBlock = 0;
  state.quotas = [];
  state.quotas = selector.plan?.(state, masksInBlock(state, block.start), rng) ?? [];
  return true;
}

/**
 * Plans the rest of the open block again, after a step that took cells back or inserted some: its plan knows none of them.
 * A selector that takes its planned steps even without masks has planned the steps of a process, which go on.
 */
export function planAgain({ selector }: Strategy, state: DecodeState, rng: Rng): void {
  if (selector.plan === undefined || selector.isPending !== undefined) return;
  const { quotas, stepInBlock } = state;
  const behind = Array.from({ length: stepInBlock }, (_, step) => quotas[step] ?? 0);
  state.quotas = behind;
  state.quotas = [
    ...behind,
    ...selector.plan(state, masksInBlock(state, firstReached(selector, state)), rng),
  ];
}
