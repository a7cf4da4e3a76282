import { assertNever, UnmaskError } from "../core/errors.ts";
import type { Attention } from "../core/types.ts";
import { blockKv } from "./block-kv.ts";
import type { CacheChoice } from "./choice.ts";
import { freeCache } from "./free.ts";
import { dualCache, prefixCache, suffixDrop, vicinityCache } from "./frozen.ts";
import { partialCache } from "./partial.ts";
import type { CachePolicy } from "./policy.ts";
import { regionCache } from "./region.ts";

/** What a strategy asks of a cache beyond the masks of the open block. */
export interface CacheDemands {
  /** Takes back or replaces tokens of blocks that are finished. */
  readonly revises?: boolean;
  /** Reads statistics of rows right of the open block in every step. */
  readonly looksAhead?: boolean;
  /** Compares the statistics of a row with those of the step before. */
  readonly comparesSteps?: boolean;
  /** Leaves the unconditional branch of guidance out in some steps, so that its stored K/V have holes. */
  readonly skipsBranch?: boolean;
  /**
   * Evaluates drafts, which read the store of the canvas and have none of their own. `masks`: they differ from it in
   * masks of the open block alone, and ask for others of these.
   */
  readonly drafts?: true | "masks";
}

/**
 * The policy of a choice, if it fits the model and the strategy (the composition rules of approximate caches).
 *
 * Insertions, deletions and truncation fit every policy: the K/V of moved rows are dropped. So does guidance, each canvas
 * having its own store.
 *
 * @returns undefined for "none"
 * @throws UnmaskError `invalid-options` when a policy would answer with numbers that are stale or not there
 */
export function composeCache(
  choice: CacheChoice,
  attention: Attention,
  demands: CacheDemands = {},
): CachePolicy | undefined {
  const { policy } = choice;
  const refuse = (why: string): never => {
    throw new UnmaskError("invalid-options", `The cache "${policy}" ${why}`, {
      detail: { option: "cache", cache: policy },
    });
  };
  if (policy === "none") return build(choice);
  // A draft at the opening of a block would be a refresh of its own under an approximate cache.
  if (demands.drafts === true || (demands.drafts === "masks" && policy !== "block")) {
    refuse("has nothing for the drafts that this recipe evaluates; use none.");
  }
  if (demands.skipsBranch === true && !startsAnew(choice)) {
    refuse("goes on with what an earlier step stored, and this guidance leaves steps out; use none or dual.");
  }
  if (policy === "block") {
    if (attention.kind === "full") refuse("needs a model with block-causal attention; use prefix or dual.");
    return build(choice);
  }
  if (attention.kind !== "full") refuse("is for models with full attention; block is exact for this one.");
  if (demands.comparesSteps === true) {
    refuse("leaves old numbers in place, and this recipe compares every step with the one before; use none.");
  }
  if (demands.revises === true && policy !== "partial" && policy !== "region") {
    refuse(
      "freezes finished blocks, and this recipe takes tokens of them back; use none, partial or region.",
    );
  }
  if (demands.looksAhead === true && policy !== "prefix" && policy !== "free") {
    refuse("does not compute what follows the block, which this recipe looks at; use none, prefix or free.");
  }
  return build(choice);
}

/** Whether every block opens with a forward of all rows, and nothing else empties the stores. */
function startsAnew(choice: CacheChoice): boolean {
  return (choice.policy === "prefix" || choice.policy === "dual") && choice.refresh === 0;
}

function build(choice: CacheChoice): CachePolicy | undefined {
  switch (choice.policy) {
    case "none":
      return undefined;
    case "block":
      return blockKv;
    case "free":
      return freeCache;
    case "prefix":
      return prefixCache(choice.refresh);
    case "dual":
      return dualCache(choice.refresh);
    case "vicinity":
      return vicinityCache(choice);
    case "suffix-drop":
      return suffixDrop(choice.ahead);
    case "partial":
      return partialCache(choice);
    case "region":
      return regionCache(choice);
    default:
      return assertNever(choice);
  }
}
