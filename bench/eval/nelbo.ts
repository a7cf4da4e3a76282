import * as v from "valibot";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { ratioOf } from "../stats/ratio.ts";
import { documentBound } from "./bound.ts";
import type { HeldOut } from "./corpus.ts";
import type { PlannedPart } from "./part.ts";

const documentSchema = v.object({ nats: v.number(), tokens: v.number(), bytes: v.number() });
type Document = v.InferOutput<typeof documentSchema>;

/** Documents of other lengths are not scored: training/evaluate.py. Ids with the mode's prefix. */
const LENGTHS = { least: 33, most: 512 };

export interface NelboOptions {
  /** Documents a group. */
  readonly documents: number;
  /** Mask ratios a document. */
  readonly draws: number;
}

/** NELBO on held-out text: nats a token and bits a byte of text, as training/evaluate.py defines them. */
export function planNelbo(model: JobModel, text: HeldOut, { documents, draws }: NelboOptions): PlannedPart {
  const groups = [...text].map(([group, texts]) => ({
    group,
    units: unitsOf(model, group, texts, documents, draws),
  }));
  return {
    cost: groups.reduce((sum, { units }) => sum + totalCost(units), 0),
    async measure(lab) {
      const found = [];
      for (const { group, units } of groups) found.push(summary(group, await runUnits(units, lab)));
      return {
        json: { draws, groups: found },
        table: {
          title: "Likelihood of held-out text",
          columns: ["text", "documents", "tokens", "nats a token", "bits a byte"],
          rows: found.map(({ group, documents: count, tokens, nelbo, error, bitsPerByte }) => [
            group,
            String(count),
            String(tokens),
            `${nelbo.toFixed(3)} ± ${error.toFixed(3)}`,
            bitsPerByte.toFixed(3),
          ]),
          notes: [
            `NELBO, an upper bound of the negative log-likelihood: ${draws} stratified mask ratios a document, no padding. ` +
              "± is one standard error over documents.",
          ],
        },
      };
    },
  };
}

function unitsOf(
  model: JobModel,
  group: string,
  texts: readonly string[],
  count: number,
  draws: number,
): Unit<Document>[] {
  const prefix = storyPrefix(model);
  const most = Math.min(LENGTHS.most, model.manifest.maxCanvas);
  const units: Unit<Document>[] = [];
  for (const [number, text] of texts.entries()) {
    if (units.length === count) break;
    const ids = Int32Array.from([...prefix, ...model.tokenizer.encode(text)]);
    if (ids.length < LENGTHS.least || ids.length > most) continue;
    units.push({
      key: ["nelbo", group, String(number), String(draws)],
      label: `likelihood of ${group} ${units.length + 1}`,
      cost: draws * ids.length,
      schema: documentSchema,
      run: async () => ({
        nats: await documentBound(model, ids, prefix.length, draws, number),
        tokens: ids.length - prefix.length,
        bytes: Buffer.byteLength(text),
      }),
    });
  }
  return units;
}

/** What stands before a story; other bundles have no such mode, or none at all. */
export function storyPrefix({ manifest }: JobModel): readonly number[] {
  return manifest.modes["story"]?.prefix ?? [];
}

function summary(group: string, found: readonly Document[]) {
  const { value: nelbo, error } = ratioOf(found.map(({ nats, tokens }) => [nats, tokens]));
  const bits = ratioOf(found.map(({ nats, bytes }) => [nats / Math.LN2, bytes]));
  const tokens = found.reduce((sum, document) => sum + document.tokens, 0);
  return { group, documents: found.length, tokens, nelbo, error, bitsPerByte: bits.value };
}
