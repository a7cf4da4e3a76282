import { expect, test } from "vitest";
import type { KvPlan } from "../core/types.ts";
import { freeCache } from "./free.ts";
import { dualCache, suffixDrop, vicinityCache } from "./frozen.ts";
import { emptyMemory, recordConfidence, recordEdits, recordForward } from "./memory.ts";
import { partialCache } from "./partial.ts";
import type { CachePolicy, CacheView } from "./policy.ts";
import { regionCache } from "./region.ts";
import { range } from "./rows.ts";

/** The schedule of each policy, on a run that commits one row a step from left to right. */

const MASK = 99;

interface Run {
  readonly plans: readonly (KvPlan | null)[];
  /** Rows computed by each forward, as `first-last` ranges. */
  readonly spans: readonly string[];
}

interface Scene {
  readonly prompt?: number;
  readonly answer?: number;
  readonly suffix?: number;
  readonly block?: number;
  readonly forwards: number;
  readonly watched?: readonly number[];
  readonly confidence?: (row: number) => number;
}

function run(policy: CachePolicy, scene: Scene): Run {
  const { prompt = 4, answer = 12, suffix = 0, block = 4, forwards, confidence = () => 0.5 } = scene;
  const ids = Int32Array.from({ length: prompt + answer + suffix }, (_, row) =>
    row < prompt || row >= prompt + answer ? row : MASK,
  );
  const targets = range(prompt, prompt + answer);
  const memory = emptyMemory(ids.length);
  const plans: (KvPlan | null)[] = [];
  for (let step = 0; step < forwards; step++) {
    const start = block * Math.floor(step / block);
    const blockRows = targets.subarray(start, start + block);
    const eligible = blockRows.filter((row) => ids[row] === MASK);
    const view: CacheView = {
      memory,
      ids,
      maskId: MASK,
      promptLen: prompt,
      attention: { kind: "full" },
      shift: 0,
      targets,
      blockRows,
      eligible,
      watched: Int32Array.from(scene.watched ?? []),
      stepInBlock: step % block,
    };
    const plan = policy(view);
    plans.push(plan);
    if (plan !== null) recordForward(memory, plan, ids);
    recordConfidence(memory, eligible, Float64Array.from(eligible, confidence));
    ids[eligible[0]!] = step;
  }
  return { plans, spans: plans.map((plan) => (plan === null ? "all" : ranges(plan.queryRows).join(" "))) };
}

function ranges(rows: Int32Array): string[] {
  const found: [number, number][] = [];
  for (const row of rows) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === row - 1) last[1] = row;
    else found.push([row, row]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}

test("dual with a refresh every 3 forwards of a block", () => {
  expect(run(dualCache(3), { block: 6, forwards: 8 }).spans).toEqual([
    ...["0-15", "4-9", "4-9", "0-15", "4-9", "4-9"],
    ...["0-15", "10-15"],
  ]);
});

test("vicinity warms up, then computes the block and its neighbours", () => {
  const policy = vicinityCache({ refresh: 0, warmup: 2, before: 3, after: 2 });
  expect(run(policy, { forwards: 7 }).spans).toEqual(["0-15", "0-15", "1-9", "1-9", "0-15", "5-13", "5-13"]);
});

test("suffix drop keeps what is given, also behind the gap", () => {
  expect(run(suffixDrop(1), { forwards: 6 }).spans).toEqual(["all", "0-8", "0-8", "0-8", "all", "0-12"]);
  expect(run(suffixDrop(1), { forwards: 2, suffix: 3 }).spans).toEqual(["all", "0-18"]);
});

test("partial: prompt and answer on their own schedules, a share of the answer in between", () => {
  const { spans, plans } = run(partialCache({ promptEvery: 6, answerEvery: 4, share: 0.5 }), { forwards: 9 });
  expect(spans).toEqual([
    "0-15",
    "4-9", // the block with the row just committed, then the oldest: six of twelve rows
    "5-7 10-12",
    "4 6-7 13-15",
    "4-15", // the answer is due
    "4-5 8-11",
    "0-3 6-7 9-12", // the prompt is due
    "4 10-11 13-15",
    "4-15",
  ]);
  for (const plan of plans) expect(plan!.writeRows).toEqual(plan!.queryRows);
});

test("partial: a row whose token changed is computed again before it is read", () => {
  const { plans } = run(partialCache({ promptEvery: 50, answerEvery: 50, share: 0 }), { forwards: 6 });
  expect(ranges(plans[5]!.queryRows)).toEqual(["8-11"]);
  expect(plans[4]!.queryRows.includes(7)).toBe(true); // committed by forward 3
});

test("region: the likeliest and the least sure rows, dense at each block and every so often", () => {
  const policy = regionCache({ share: 0.2, dense: 1, every: 3, starvation: 0 });
  const confidence = (row: number) => 0.1 + row / 20;
  const { plans } = run(policy, { block: 8, forwards: 8, confidence });
  const sizes = plans.map((plan) => plan!.queryRows.length);
  expect([sizes[0], sizes[3], sizes[6]]).toEqual([16, 16, 16]);
  // Rows 5 to 11 are open: 11 and 10 are the likeliest, 5 to 8 the least sure, 4 has just changed.
  expect(ranges(plans[1]!.queryRows)).toEqual(["4-8", "10-11"]);
});

test("region: with much starvation no row waits much longer than the others take", () => {
  const policy = regionCache({ share: 0.25, dense: 1, every: 60, starvation: 1000 });
  const { plans } = run(policy, { block: 12, forwards: 12 });
  const waits = range(0, 16).map((row) => {
    let [longest, waited] = [0, 0];
    for (const plan of plans) {
      waited = plan!.queryRows.includes(row) ? 0 : waited + 1;
      longest = Math.max(longest, waited);
    }
    return longest;
  });
  expect(Math.max(...waits)).toBeLessThanOrEqual(2 / 0.25);
});

test("a row that was taken back makes every frozen policy start anew", () => {
  const ids = Int32Array.of(1, 2, 3, 4, MASK, MASK);
  const memory = emptyMemory(6);
  const view: CacheView = {
    memory,
    ids,
    maskId: MASK,
    promptLen: 1,
    attention: { kind: "full" },
    shift: 0,
    targets: range(1, 6),
    blockRows: range(4, 6),
    eligible: range(4, 6),
    watched: range(0, 0),
    stepInBlock: 1,
  };
  recordForward(memory, dualCache(0)({ ...view, stepInBlock: 0 })!, ids);
  expect(ranges(dualCache(0)(view)!.queryRows)).toEqual(["4-5"]);
  recordEdits(memory, { remasks: [{ row: 2 }], overwrites: [], inserts: [], deletes: [] });
  expect(ranges(dualCache(0)(view)!.queryRows)).toEqual(["0-5"]);
});

test.each([
  ["dual", dualCache(0)],
  ["suffix drop", suffixDrop(0)],
  ["partial", partialCache({ promptEvery: 50, answerEvery: 50, share: 0 })],
  ["region", regionCache({ share: 0, dense: 1, every: 60, starvation: 0 })],
])("%s computes what is watched, wherever it is", (_name, policy) => {
  const { plans } = run(policy, { forwards: 4, watched: [1, 13] });
  for (const plan of plans.slice(1)) expect([...plan!.queryRows]).toEqual(expect.arrayContaining([1, 13]));
});

test("FreeCache computes the prompt once and each finished block once more", () => {
  const { plans, spans } = run(freeCache, { forwards: 10 });
  expect(spans).toEqual([
    "0-15",
    ...new Array(3).fill("4-15"),
    "4-15",
    ...new Array(3).fill("8-15"),
    "8-15",
    "12-15",
  ]);
  expect(plans.map((plan) => ranges(plan!.writeRows).join())).toEqual([
    "0-3",
    ...["", "", ""],
    "4-7",
    ...["", "", ""],
    "8-11",
    "",
  ]);
});

test("FreeCache freezes nothing from a row on whose statistics are wanted", () => {
  const watched = run(freeCache, { forwards: 6, watched: [2] });
  expect(watched.spans).toEqual(["0-15", "2-15", "2-15", "2-15", "2-15", "2-15"]);
});
