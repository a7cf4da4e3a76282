import { UnmaskError } from "../../core/errors.ts";
import { type CommitFilter, parseFilter } from "../../model/commit-filter.ts";
import type { ModelFacts } from "../ask/model-facts.ts";

/**
 * The filter of a bundle for blocks of this size.
 *
 * @param block cells of a block as asked for, before a short text cuts it
 * @throws UnmaskError `filter-missing` saying how to make one; `manifest-invalid`
 */
export function commitFilter({ name, filters = [], variant }: ModelFacts, block: number): CommitFilter {
  const fitting = filters.filter((filter) => variant === undefined || filter.variant === variant);
  const found = fitting.find((filter) => filter.block === block);
  if (found !== undefined) return parseFilter(found);
  const sizes = fitting.map((filter) => filter.block).join(", ");
  const weights = variant === undefined ? "" : ` and the weights ${variant}`;
  throw new UnmaskError(
    "filter-missing",
    `The model ${name} has no commit filter for blocks of ${block}${weights}${sizes === "" ? "" : ` (it has one for ${sizes})`}. Fit one with: unmask fit learn2pd --block ${block}`,
    { detail: { block, ...(variant === undefined ? {} : { variant }) } },
  );
}
