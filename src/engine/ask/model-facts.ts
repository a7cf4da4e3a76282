import type { Span } from "../../core/types.ts";
import type { Manifest } from "../../model/manifest.ts";

/** What planning needs to know about a bundle. */
export type ModelFacts = Pick<
  Manifest,
  | "vocab"
  | "tokens"
  | "maxCanvas"
  | "attention"
  | "logitsShift"
  | "frequency"
  | "filters"
  | "recipes"
  | "modes"
  | "name"
  | "chat"
> & {
  /** 0: the graph gives no keys and values, so nothing can be cached. */
  readonly layers?: number;
  /** Weights in use, where filters differ by them. */
  readonly variant?: string;
  /** Ids that end a line, when the tokenizer has them. */
  readonly delimiters?: readonly number[];
};

/** The region to fill: a continuation takes its length from the options, an infill from the gaps in the text. */
export type Region =
  | { readonly kind: "generate"; readonly promptCells: number }
  | {
      readonly kind: "infill";
      readonly gapCells: number;
      /** Gaps that may have any length, and the cells of the whole canvas. */
      readonly free?: readonly Span[];
      readonly cells?: number;
    };

/** The token that fills what is behind the end of a text. */
export function padId({ tokens }: Pick<ModelFacts, "tokens">): number {
  return tokens.pad ?? tokens.eos[0]!;
}
