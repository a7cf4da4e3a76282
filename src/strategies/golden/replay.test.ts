import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isUnmaskError } from "../../core/errors.ts";
import { canvasHash } from "../oracle/oracle.ts";
import llada from "./fixtures/llada.json" with { type: "json" };
import { GOLDEN_PLANS } from "./golden-plans.ts";
import { replayGolden } from "./replay.ts";

const FIXTURES = fileURLToPath(new URL("fixtures/", import.meta.url));
const golden = (name: string): unknown => JSON.parse(readFileSync(`${FIXTURES}${name}.json`, "utf8"));
const TABLES = ["quotas", "oracle-vectors", "svdd"];

test.each([...TABLES, ...Object.keys(GOLDEN_PLANS)])("%s is replayed exactly", (decoder) => {
  const { decoder: name, outcomes } = replayGolden(golden(decoder));
  expect(name).toBe(decoder);
  expect(outcomes.length).toBeGreaterThan(2);
  expect(outcomes.filter(({ outcome }) => outcome === "failed")).toEqual([]);
});

/** Recorded like the others, with arguments that they leave out: temperatures, baselines, guidance of forced cells. */
test.each(readdirSync(`${FIXTURES}further`))("further cases of %s are replayed exactly", (file) => {
  const { outcomes } = replayGolden(golden(`further/${file.replace(".json", "")}`));
  expect(outcomes.length).toBeGreaterThan(0);
  expect(outcomes.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
});

interface MutableCase {
  seed: unknown;
  oracle: unknown;
  hyper: { block_length: number; steps: number };
  nfe: number;
  stuck?: boolean;
  quirk?: boolean;
  steps: { h: number; quota: number; commit: [number, number, number][] }[];
  final: number[];
}

/** The first llada case, changed. */
function changed(change: (golden: MutableCase) => void): unknown {
  const golden = structuredClone(llada.cases[0]!) as unknown as MutableCase; // JSON types are wider than the schema
  change(golden);
  return { ...llada, cases: [golden] };
}

/** The first svdd case, changed: it was recorded two canvases at a time. */
function changedBatch(change: object): unknown {
  const svdd = golden("svdd") as { cases: object[] };
  return { ...svdd, cases: [{ ...svdd.cases[0], ...change }] };
}

test.each<[string, (golden: MutableCase) => void, RegExp]>([
  [
    "a confidence",
    (c) => {
      c.steps[3]!.commit[0]![2] += 1e-5;
    },
    /step 3: row .* has confidence/,
  ],
  [
    "a token",
    (c) => {
      c.steps[0]!.commit[0]![1] = 1;
    },
    /step 0: commits/,
  ],
  [
    "a canvas hash",
    (c) => {
      c.steps[5]!.h = 1;
    },
    /step 5: the canvas/,
  ],
  [
    "a quota",
    (c) => {
      c.steps[2]!.quota = 2;
    },
    /step 2: the quota/,
  ],
  [
    "the count of forwards",
    (c) => {
      c.nfe = 31;
    },
    /takes 32 forwards/,
  ],
  [
    "the final canvas",
    (c) => {
      c.final[36] = c.final[36] === 1 ? 2 : 1;
    },
    /final canvas/,
  ],
  [
    "the verdict",
    (c) => {
      c.stuck = true;
    },
    /ends complete/,
  ],
  [
    "the number of steps",
    (c) => {
      c.steps.pop();
    },
    /more than 31/,
  ],
])("a case with %s changed fails", (_what, change, why) => {
  const [outcome] = replayGolden(changed(change)).outcomes;
  expect(outcome!.outcome).toBe("failed");
  expect(outcome!.why).toMatch(why);
});

test("quirk cases are skipped, decoders that are not built fail their cases", () => {
  const skipped = replayGolden(
    changed((c) => {
      c.quirk = true;
    }),
  );
  expect(skipped.outcomes[0]!.outcome).toBe("skipped");
  const unbuilt = { ...llada, decoder: "someday", cases: [{ id: "a" }, { id: "b", quirk: true }] };
  expect(replayGolden(unbuilt).outcomes.map(({ outcome }) => outcome)).toEqual(["failed", "skipped"]);
});

test("a step that can only predict masks ends as stuck", () => {
  const stuck = {
    id: "stuck",
    seed: 1,
    oracle: { specials: [[63, 0, 99, 256]] },
    hyper: { threshold: 0.9, block_length: 4 },
    prompt: [],
    genLen: 4,
    nfe: 1,
    stuck: true,
    steps: [{ h: canvasHash([63, 63, 63, 63]) }],
    final: [63, 63, 63, 63],
  };
  const json = { ...llada, decoder: "fastdllm-nocache", cases: [stuck] };
  const [first] = replayGolden(json).outcomes;
  expect(first).toEqual({ id: "stuck", outcome: "passed", why: "" });
});

test.each<[string, unknown]>([
  ["nothing", null],
  ["another format", { format: "x", decoder: "llada", cases: [] }],
  ["no cases", { format: "dlm-golden-1", decoder: "llada" }],
  [
    "a seed that is text",
    changed((c) => {
      c.seed = "1";
    }),
  ],
  [
    "a canvas without a prompt",
    changed((c) => {
      c.final.length = 2;
    }),
  ],
  [
    "no block size",
    changed((c) => {
      c.hyper.block_length = 0;
    }),
  ],
  [
    "endless steps",
    changed((c) => {
      c.hyper.steps = 1e12;
    }),
  ],
  [
    "an oracle of another kind",
    changed((c) => {
      c.oracle = { V: 1e9 };
    }),
  ],
  ["a batch that is a number", changedBatch({ steps: [{ batch: 3 }] })],
  ["a number of candidates that is a list", changedBatch({ hyper: { length: 16, steps: 8, M: [4] } })],
  ["no canvas at the end", changedBatch({ final: [] })],
  ["rows without numbers", { format: "dlm-golden-1", decoder: "quotas", columns: [], rows: [["a"]] }],
])("%s is golden-invalid", (_what, json) => {
  try {
    replayGolden(json);
    expect.unreachable();
  } catch (error) {
    expect(isUnmaskError(error) && error.code).toBe("golden-invalid");
  }
});
