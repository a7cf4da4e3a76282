import { UnmaskError } from "../core/errors.ts";
import type { Transformer } from "./transformer/transformer.ts";
import type { Bits } from "./weights/quantize.ts";
import type { Matrix } from "./weights/weights.ts";
import type { FormOf } from "./weights/weights-blocks.ts";

/** What q4 may do beyond symmetric blocks of 4 bits: zero points; 8 bits where an error travels furthest. */
export const Q4_EXTRAS = ["asymmetric", "mixed"] as const;
export type Q4Extra = (typeof Q4_EXTRAS)[number];

/** Share of the layers at either end whose values and down projections have 8 bits in the mixed recipe. */
const ENDS = 1 / 8;

/**
 * The forms of a model's matrices. The token table and the head have 8 bits in any case.
 *
 * @param bits of the other matrices
 */
export function formsOf(model: Transformer, bits: Bits, extras: readonly Q4Extra[] = []): FormOf {
  const tables = new Set([model.table, model.head.matrix]);
  const fine = new Set(extras.includes("mixed") ? endMatrices(model) : []);
  return (matrix) => {
    if (bits === 8 || tables.has(matrix) || fine.has(matrix)) return { bits: 8, zeros: false };
    return { bits, zeros: extras.includes("asymmetric") };
  };
}

function endMatrices({ layers }: Transformer): Matrix[] {
  const ends = Math.ceil(layers.length * ENDS);
  return layers
    .filter((_, i) => i < ends || i >= layers.length - ends)
    .flatMap(({ v, down }) => [v.matrix, down.matrix]);
}

/** Parses `asymmetric,mixed`. @throws UnmaskError `invalid-options` */
export function parseQ4Extras(text: string): Q4Extra[] {
  const extras = text.split(",").map((item) => {
    const found = Q4_EXTRAS.find((extra) => extra === item.trim());
    if (found !== undefined) return found;
    throw new UnmaskError(
      "invalid-options",
      `There is no q4 recipe "${item.slice(0, 40)}"; known: ${Q4_EXTRAS.join(", ")}.`,
      { detail: { option: "q4" } },
    );
  });
  return [...new Set(extras)].sort();
}
