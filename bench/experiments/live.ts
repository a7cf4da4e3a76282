import * as v from "valibot";
import { carryDraft, type Written } from "../../src/strategies/live/carry-draft.ts";
import { nextInput, SIMILARITY_DEFAULTS, STREAM_START } from "../../src/strategies/live/similarity.ts";
import { taskMode } from "../eval/tasks.ts";
import { type Lab, runToEnd, type Unit } from "../harness/lab.ts";
import { percent, type Table } from "../harness/table.ts";
import { finalAnswer, type TaskPrompt } from "../harness/task-prompts.ts";

const outcomeSchema = v.object({
  keys: v.number(),
  skipped: v.number(),
  /** Forwards of all runs together, from an empty canvas and from what was written before. */
  fresh: v.number(),
  drafted: v.number(),
  freshRight: v.boolean(),
  draftedRight: v.boolean(),
});
export type LiveOutcome = v.InferOutput<typeof outcomeSchema>;

/** Keys at the end of a prompt that are typed while the model writes. */
const KEYS = 12;

/**
 * A prompt whose end is typed key by key, each a new run unless the similarity filter skips it (StreamDiffusion, without
 * its chance): from an empty canvas, and from the text before as a draft.
 */
export function liveUnit(entry: TaskPrompt, recipe: object, cells: number): Unit<LiveOutcome> {
  const { task, prompt, answer } = entry;
  return {
    key: ["experiments", "live", task, prompt, answer, String(cells), JSON.stringify(recipe)],
    label: `${task}, live editing`,
    cost: 2 * KEYS,
    schema: outcomeSchema,
    async run(lab) {
      let state = STREAM_START;
      let before: Written | null = null;
      const sum = { keys: 0, skipped: 0, fresh: 0, drafted: 0, freshRight: false, draftedRight: false };
      for (let end = Math.max(1, prompt.length - KEYS); end <= prompt.length; end++) {
        const typed = prompt.slice(0, end);
        const next = nextInput(state, typed, SIMILARITY_DEFAULTS);
        state = next.state;
        sum.keys++;
        // The last key ends the prompt: whoever stops typing waits for the answer to that.
        if (next.action === "skip" && end < prompt.length) {
          sum.skipped++;
          continue;
        }
        const fresh = await write(lab, typed, recipe, cells);
        const draft: string | null = before === null ? null : carryDraft(before, typed);
        // With the space that the model puts before a response.
        const init = draft === null ? {} : { init: { draft: ` ${draft.trimStart()}` } };
        const drafted: Run = draft === null ? fresh : await write(lab, typed, { ...recipe, ...init }, cells);
        sum.fresh += fresh.nfe;
        sum.drafted += drafted.nfe;
        sum.freshRight = finalAnswer(fresh.text) === finalAnswer(answer);
        sum.draftedRight = finalAnswer(drafted.text) === finalAnswer(answer);
        before = { prompt: typed, text: drafted.text };
      }
      return sum;
    },
  };
}

interface Run {
  readonly text: string;
  readonly nfe: number;
}

async function write({ model, signal }: Lab, prompt: string, recipe: object, cells: number): Promise<Run> {
  const options = { ...taskMode(model.manifest.modes), recipe: { ...recipe }, maxNewTokens: cells };
  const { text = "", nfe } = await runToEnd({ kind: "generate", prompt, options }, { model, signal });
  return { text, nfe };
}

export function liveTable(outcomes: readonly LiveOutcome[]): Table {
  const sum = (key: "keys" | "skipped" | "fresh" | "drafted"): number =>
    outcomes.reduce((total, outcome) => total + outcome[key], 0);
  const runs = sum("keys") - sum("skipped");
  const right = (key: "freshRight" | "draftedRight"): string =>
    percent(outcomes.filter((outcome) => outcome[key]).length / outcomes.length);
  const row = (name: string, forwards: number, exact: string): string[] => [
    name,
    String(outcomes.length),
    String(sum("keys")),
    percent(sum("skipped") / sum("keys")),
    (forwards / runs).toFixed(1),
    exact,
  ];
  return {
    title: "Live editing",
    columns: ["runs begin", "prompts", "keys", "skipped", "forwards a run", "exact at the end"],
    rows: [
      row("empty", sum("fresh"), right("freshRight")),
      row("from the text before", sum("drafted"), right("draftedRight")),
    ],
    notes: [
      `The last ${KEYS} keys of each prompt are typed one by one; the similarity filter (cosine ${SIMILARITY_DEFAULTS.cosine}, at most ${SIMILARITY_DEFAULTS.mostSkips} in a row) skips what is like the input before. ` +
        "Several canvases in one run, as batched streams take them, save a CPU little (docs/decisions.md).",
    ],
  };
}
