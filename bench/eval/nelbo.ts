import * as v from "valibot";
import type { JobModel } from "../../src/engine/run/open-run.ts";
import { dataHash } from "../harness/identity.ts";
import { runUnits, totalCost, type Unit } from "../harness/lab.ts";
import { atMost } from "../harness/targets.ts";
import { type Ratio, ratioOf } from "../stats/ratio.ts";
import { documentBound } from "./bound.ts";
import type { HeldOut } from "./corpus.ts";
import { isSkip, type PlannedPart, type Skip } from "./part.ts";
import type { Twin } from "./twin.ts";

const documentSchema = v.object({ nats: v.number(), tokens: v.number(), bytes: v.number() });
export type ScoredDocument = v.InferOutput<typeof documentSchema>;

/** Documents of other lengths are not scored: training/evaluate.py. Ids with the mode's prefix. */
const LENGTHS = { least: 33, most: 512 };
/** Nats a token on stories. */
const TARGET = 2.3;

export interface NelboOptions {
  /** Documents a group. */
  readonly documents: number;
  /** Mask ratios a document. */
  readonly draws: number;
}

/**
 * NELBO on held-out text: nats a token and bits a byte of text, as training/evaluate.py defines them, beside the exact
 * likelihood that the autoregressive twin gives to the same documents.
 */
export function planNelbo(
  model: JobModel,
  text: HeldOut,
  options: NelboOptions & { readonly twin: Twin | Skip },
): PlannedPart {
  const { draws, twin } = options;
  const groups = [...text].map(([group, texts]) => {
    const documents = chooseDocuments(model, texts, options.documents);
    return { group, documents, units: nelboUnits(model, group, documents, draws) };
  });
  return {
    cost: groups.reduce((sum, { units }) => sum + totalCost(units), 0),
    async measure(lab) {
      const found = [];
      for (const { group, documents, units } of groups) {
        const bounds = summary(group, await runUnits(units, lab));
        found.push({ ...bounds, twin: isSkip(twin) ? null : await likelihood(twin, documents) });
      }
      const core = found.find(({ group }) => group === "core");
      return {
        json: { draws, groups: found },
        table: {
          title: "Likelihood of held-out text",
          columns: ["text", "documents", "tokens", "nats a token", "bits a byte", "autoregressive twin"],
          rows: found.map(({ group, documents: count, tokens, nelbo, error, bitsPerByte, twin: exact }) => [
            group,
            String(count),
            String(tokens),
            `${nelbo.toFixed(3)} ± ${error.toFixed(3)}`,
            bitsPerByte.toFixed(3),
            exact === null ? "-" : `${exact.value.toFixed(3)} ± ${exact.error.toFixed(3)}`,
          ]),
          notes: [
            `NELBO, an upper bound of the negative log-likelihood: ${draws} stratified mask ratios a document, no padding. ` +
              "± is one standard error over documents. The twin's figure is no bound but its negative log-likelihood, nats a token.",
            ...(isSkip(twin) ? [`Skipped: ${twin.skipped}.`] : []),
          ],
        },
        targets: core === undefined ? [] : [atMost("NELBO on stories, nats a token", TARGET, core.nelbo, 2)],
      };
    },
  };
}

/** A held-out document: `ids` with the `prefix` that the story mode puts before it. */
export interface ChosenDocument {
  readonly text: string;
  readonly ids: Int32Array;
  readonly prefix: number;
}

export function chooseDocuments(
  { manifest, tokenizer }: JobModel,
  texts: readonly string[],
  count: number,
): readonly ChosenDocument[] {
  const prefix = storyPrefix(manifest);
  const most = Math.min(LENGTHS.most, manifest.maxCanvas);
  return texts
    .map((text) => ({
      text,
      ids: Int32Array.from([...prefix, ...tokenizer.encode(text)]),
      prefix: prefix.length,
    }))
    .filter(({ ids }) => ids.length >= LENGTHS.least && ids.length <= most)
    .slice(0, count);
}

export function nelboUnits(
  model: JobModel,
  group: string,
  documents: readonly ChosenDocument[],
  draws: number,
): Unit<ScoredDocument>[] {
  return documents.map(({ text, ids, prefix }, number) => ({
    key: ["nelbo", dataHash([...ids]), String(prefix), String(number), String(draws)],
    label: `likelihood of ${group} ${number + 1}`,
    cost: draws * ids.length,
    schema: documentSchema,
    run: async () => ({
      nats: await documentBound(model, ids, prefix, draws, number),
      tokens: ids.length - prefix,
      bytes: Buffer.byteLength(text),
    }),
  }));
}

/** What stands before a story; other bundles have no such mode, or none at all. */
function storyPrefix({ modes }: JobModel["manifest"]): readonly number[] {
  return modes["story"]?.prefix ?? [];
}

/** Nats a token; the first token has nothing before it where there is no prefix, and is not scored. */
async function likelihood(twin: Twin, documents: readonly ChosenDocument[]): Promise<Ratio> {
  const parts: [number, number][] = [];
  for (const { ids, prefix } of documents) {
    const first = Math.max(1, prefix);
    parts.push([await twin.nats([...ids], first), ids.length - first]);
  }
  return ratioOf(parts);
}

function summary(group: string, found: readonly ScoredDocument[]) {
  const { value: nelbo, error } = ratioOf(found.map(({ nats, tokens }) => [nats, tokens]));
  const bits = ratioOf(found.map(({ nats, bytes }) => [nats / Math.LN2, bytes]));
  const tokens = found.reduce((sum, document) => sum + document.tokens, 0);
  return { group, documents: found.length, tokens, nelbo, error, bitsPerByte: bits.value };
}
