import { RATIOS } from "../../engine/record/record-states.ts";
import type { Divergence } from "../../math/logit-divergence.ts";

/** How far quantised weights are from those they were made of, where a decoder looks. */
export interface Quality {
  /** `f32` or `f16`. */
  readonly reference: string;
  /** Where its weights are from: the bundle or a checkpoint folder. */
  readonly source: string;
  readonly states: number;
  /** False when the time was over before every variant had seen every state. */
  readonly complete: boolean;
  readonly variants: readonly VariantQuality[];
}

export interface VariantQuality {
  readonly variant: string;
  /** All shares of masks together. */
  readonly all: Agreement;
  readonly ratios: readonly (Agreement & { readonly ratio: number })[];
}

interface Agreement {
  /** Masked cells that were compared. */
  readonly cells: number;
  /** Share of cells with the same best token. */
  readonly agreement: number;
  /** Mean KL(reference || variant) in nats. */
  readonly kl: number;
}

/** One state, as one variant sees it. */
export type Compared = Divergence & { readonly ratio: number };

export function summarise(variant: string, found: readonly Compared[]): VariantQuality {
  const ratios = RATIOS.flatMap((ratio) => {
    const own = found.filter((entry) => entry.ratio === ratio);
    return own.length === 0 ? [] : [{ ratio, ...agreementOf(own) }];
  });
  return { variant, all: agreementOf(found), ratios };
}

function agreementOf(found: readonly Divergence[]): Agreement {
  const total = (key: "rows" | "kl" | "flips") => found.reduce((sum, entry) => sum + entry[key], 0);
  const cells = total("rows");
  return { cells, agreement: 1 - total("flips") / cells, kl: total("kl") / cells };
}

/** A line a share of masks, a pair of columns a variant. */
export function qualityLines({ reference, source, states, complete, variants }: Quality): string[] {
  const cell = ({ agreement, kl }: Agreement) =>
    `${(100 * agreement).toFixed(1)} %  ${kl.toExponential(1)}`.padStart(19);
  const line = (label: string, cells: readonly string[]) => `${label.padEnd(9)}${cells.join("")}`;
  const heads = variants.map(({ variant }) => `${variant}: same  KL`.padStart(19));
  const ratios = RATIOS.filter((ratio) =>
    variants.some((entry) => entry.ratios.some((own) => own.ratio === ratio)),
  );
  const rows = ratios.map((ratio) =>
    line(
      `${Math.round(100 * ratio)} %`,
      variants.map(({ ratios: own }) => {
        const found = own.find((entry) => entry.ratio === ratio);
        return found === undefined ? "".padStart(19) : cell(found);
      }),
    ),
  );
  return [
    `quality against ${reference} of ${source}, at the masked cells of ${states} states of its own runs (KL in nats a cell)`,
    line("masked", heads),
    ...rows,
    line(
      "all",
      variants.map(({ all }) => cell(all)),
    ),
    ...(complete
      ? []
      : ["The time was over before every variant had seen every state; --seconds gives more."]),
  ];
}
