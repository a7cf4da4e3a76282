import type { JobModel } from "../../src/engine/run/open-run.ts";
import { runUnits, totalCost } from "../harness/lab.ts";
import { percent, percentWithin } from "../harness/table.ts";
import { atLeast } from "../harness/targets.ts";
import { distinctShare } from "../stats/ngrams.ts";
import { ratioOf } from "../stats/ratio.ts";
import { wilson } from "../stats/wilson.ts";
import type { HeldOut } from "./corpus.ts";
import { type AskedGap, type Fill, type InfillOptions, infillUnits } from "./infill-gaps.ts";
import type { PlannedPart } from "./part.ts";

const ASKED: readonly AskedGap[] = [
  { kind: "word", isFree: false },
  { kind: "sentence", isFree: false },
  { kind: "paragraph", isFree: false },
  { kind: "word", isFree: true },
  { kind: "sentence", isFree: true },
];
/** Per cent of the words of stories that come out as they were. */
const TARGET = 50;

/**
 * One word, one sentence, one paragraph out of held-out text, in gaps of the right number of tokens. A longer piece has
 * many good fillings, so exact agreement says little there; the likelihood of the original says more.
 */
export function planInfill(model: JobModel, text: HeldOut, options: InfillOptions): PlannedPart {
  const cells = [...text].flatMap(([group, texts]) =>
    ASKED.map((asked) => ({ group, asked, units: infillUnits(model, group, texts, asked, options) })),
  );
  return {
    cost: cells.reduce((sum, { units }) => sum + totalCost(units), 0),
    async measure(lab) {
      const found = [];
      for (const { group, asked, units } of cells) {
        found.push({ ...asked, group, ...summary(await runUnits(units, lab)) });
      }
      const words = found.find(({ group, kind, isFree }) => group === "core" && kind === "word" && !isFree);
      return {
        json: { recipe: options.recipe, gaps: found },
        table: {
          title: "Infill",
          columns: [
            "gap",
            "gaps",
            "exact",
            "length found",
            "tokens right",
            "nats a token of the original",
            "distinct-2",
          ],
          rows: found.map((entry) => {
            const known = (text: string, isKnown: boolean) => (entry.gaps > 0 && isKnown ? text : "-");
            return [
              `${entry.kind}${entry.isFree ? " of free length" : ""}, ${entry.group}`,
              String(entry.gaps),
              known(percentWithin(entry.exact / entry.gaps, entry.interval), true),
              known(percent(entry.sized / entry.gaps), entry.isFree),
              known(percent(entry.tokensRight), !entry.isFree),
              known(entry.nelbo.toFixed(3), !entry.isFree),
              known(entry.distinct2.toFixed(2), entry.kind !== "word"),
            ];
          }),
          notes: [
            "Exact: every token is that of the original; Wilson 95 % interval. A gap of free length is `[[?]]`: the engine looks for its length first.",
          ],
        },
        targets:
          words === undefined || words.gaps === 0
            ? []
            : [atLeast("one-word infill on stories", TARGET, (100 * words.exact) / words.gaps, 1, " %")],
      };
    },
  };
}

function summary(fills: readonly Fill[]) {
  const sized = fills.filter(({ tokens, gold }) => tokens.length === gold);
  const exact = sized.filter(({ gold, right }) => right === gold).length;
  return {
    gaps: fills.length,
    exact,
    interval: wilson(exact, fills.length),
    sized: sized.length,
    tokensRight: ratioOf(fills.map(({ right, gold }) => [right, gold])).value,
    nelbo: ratioOf(fills.map(({ nats, gold }) => [nats ?? 0, gold])).value,
    distinct2: distinctShare(
      fills.map(({ tokens }) => tokens),
      2,
    ),
  };
}
