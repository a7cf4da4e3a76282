import type { Commit } from "../../core/events.ts";
import type { ForwardRequest } from "../../core/types.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { type GoldenRandom, goldenRandom } from "../oracle/golden-random.ts";
import { canvasHash, createOracle, type Oracle } from "../oracle/oracle.ts";
import type { ModelTraits } from "../strategy.ts";
import { gumbelDraw } from "./draws.ts";
import { GOLDEN_PLANS } from "./golden-plans.ts";
import { type GoldenPlan, startCanvas } from "./plan.ts";
import { replaySvdd } from "./replay-svdd.ts";
import { replayQuotas, replayVectors } from "./replay-tables.ts";
import { type GoldenCase, type GoldenStep, parseCases, parseHeader, parseNamedCases } from "./schema.ts";

/** What became of one golden case: `null` passed. */
export interface CaseOutcome {
  readonly id: string;
  readonly outcome: "passed" | "skipped" | "failed";
  readonly why: string;
}

/** The official code computes confidences in float32. */
const CONF_TOLERANCE = 2e-6;

/**
 * Replays every case of a golden file through our decoders on the scripted oracle.
 *
 * @throws UnmaskError `golden-invalid` when the file does not follow its schema
 */
export function replayGolden(json: unknown): { decoder: string; outcomes: readonly CaseOutcome[] } {
  const { decoder } = parseHeader(json);
  if (decoder === "quotas") return { decoder, outcomes: replayQuotas(json) };
  if (decoder === "svdd") return { decoder, outcomes: replaySvdd(json) };
  if (decoder === "oracle-vectors") return { decoder, outcomes: replayVectors(json) };
  const build = Object.hasOwn(GOLDEN_PLANS, decoder) ? GOLDEN_PLANS[decoder] : undefined;
  if (build === undefined) {
    const outcomes = parseNamedCases(json).map(
      ({ id, quirk }): CaseOutcome =>
        quirk ? skipped(id) : { id, outcome: "failed", why: `no decoder for ${decoder} yet` },
    );
    return { decoder, outcomes };
  }
  const outcomes = parseCases(json).map((golden): CaseOutcome => {
    if (golden.quirk) return skipped(golden.id);
    const random = goldenRandom(golden.rng?.rseed ?? golden.seed);
    const why = mismatch(golden, build(golden, random), random);
    return { id: golden.id, outcome: why === null ? "passed" : "failed", why: why ?? "" };
  });
  return { decoder, outcomes };
}

function skipped(id: string): CaseOutcome {
  return { id, outcome: "skipped", why: "depends on undefined behaviour of torch" };
}

/** Official functions read the row of a cell as it stands, whatever the model predicts there, unless they were made for shifted logits. */
function readsBefore({ file, hyper }: GoldenCase): 0 | 1 {
  const { right_shift_logits: isShifted = file["decoder"] === "dllm-dream" } = hyper;
  return isShifted === true ? 1 : 0;
}

/** The first difference between a case and our run, in words; null when there is none. */
function mismatch(golden: GoldenCase, plan: GoldenPlan, random: GoldenRandom): string | null {
  const { oracle: parameters, steps } = golden;
  const state = startState(startCanvas(golden, plan));
  const oracle = createOracle(golden.seed, parameters, plan.draw ?? gumbelDraw(random), readsBefore(golden));
  const traits: ModelTraits = {
    maskId: parameters.mask,
    suppress: plan.suppress ?? [],
    attention: plan.attention ?? { kind: "full" },
  };
  const decoder = decode(plan.strategy, traits, state, random);
  let turn = decoder.next();
  let index = -1;
  let isAnswered = false;
  let quota: number | undefined;
  const unlisted = plan.unlistedForwards ?? 0;
  while (turn.done !== true) {
    const output = turn.value;
    if (output.type === "request") {
      const step = steps[++index];
      if (step === undefined && index >= steps.length + unlisted)
        return `takes more than ${steps.length} forwards`;
      quota = state.quotas[state.stepInBlock];
      const seen = plan.hashesSeen === true ? output.request.canvases[0]! : state.canvas.ids;
      const stats = oracle.forward(output.request);
      const wrong =
        step === undefined
          ? null
          : (canvasMismatch(seen, step) ??
            branchMismatch(output.request, step) ??
            sightMismatch(output.request, oracle, step));
      if (wrong !== null) return `step ${index}: ${wrong}`;
      turn = decoder.next(stats);
      isAnswered = true;
      continue;
    }
    const step = steps[index];
    // A step without a forward of its own is checked by the canvas before the next one.
    if (output.type === "step" && isAnswered && step !== undefined && plan.listsCommits !== false) {
      const wrong =
        commitMismatch(lasting(output, state.canvas.ids.length), step) ??
        revisionMismatch(output, step) ??
        quotaMismatch(quota, step) ??
        (plan.hashesSeen === true ? null : lengthMismatch(state.canvas.ids.length, step));
      if (wrong !== null) return `step ${index}: ${wrong}`;
      isAnswered = false;
    }
    turn = decoder.next(undefined);
  }
  if (golden.stuck !== (turn.value === "stuck")) return `ends ${turn.value}`;
  if (index + 1 !== steps.length + unlisted) return `takes ${index + 1} forwards, not ${steps.length}`;
  const nfe = state.nfe * (plan.forwards ?? 1);
  if (nfe !== golden.nfe) return `takes ${nfe} forwards, not ${golden.nfe}`;
  // Block decoders that stop early have not appended the rest.
  const cells = plan.hashesSeen === true ? golden.final.length : state.canvas.ids.length;
  if (canvasHash(state.canvas.ids.slice(0, cells)) !== canvasHash(golden.final))
    return "the final canvas differs";
  return null;
}

function canvasMismatch(canvas: Int32Array, step: GoldenStep): string | null {
  if (canvasHash(canvas) !== step.h) return "the canvas before the forward differs";
  return step.canvas !== undefined && canvasHash(step.canvas) !== step.h
    ? "its canvas has another hash"
    : null;
}

function branchMismatch({ canvases, drafts }: ForwardRequest, { branches }: GoldenStep): string | null {
  const ours = canvases.length + (drafts?.length ?? 0);
  return branches === undefined || branches === ours ? null : `evaluates ${ours} canvases, not ${branches}`;
}

function sightMismatch({ canvases, kv }: ForwardRequest, { seen }: Oracle, step: GoldenStep): string | null {
  const { rows, visHash } = step;
  // Without it the file tells how a cache is laid out that does not change what is seen.
  if (visHash === undefined) return null;
  const computed = kv?.queryRows ?? canvases[0]!.map((_, row) => row);
  if (rows !== undefined && (computed[0] !== rows[0] || computed.length !== rows[1])) {
    return `computes ${computed.length} rows from ${computed[0]}, not ${rows[1]} from ${rows[0]}`;
  }
  return canvasHash(seen[0]!.ids) === visHash ? null : "what the forward sees differs";
}

function commitMismatch(commits: readonly Commit[], step: GoldenStep): string | null {
  if (commits.length !== step.commit.length) {
    return `commits ${commits.length} rows, not ${step.commit.length}`;
  }
  for (const [i, { row, id, conf }] of commits.entries()) {
    const [goldenRow, goldenId, goldenConf] = step.commit[i]!;
    if (row !== goldenRow || id !== goldenId)
      return `commits ${id} at ${row}, not ${goldenId} at ${goldenRow}`;
    if (typeof goldenConf !== "number") continue;
    if (conf === null || !(Math.abs(conf - goldenConf) <= CONF_TOLERANCE)) {
      return `row ${row} has confidence ${conf}, not ${goldenConf}`;
    }
  }
  return null;
}

/** Golden steps are differences of canvases: what is committed and taken back at once, or cut off, is not in them. */
function lasting({ commits, remasks, deletes }: StepEvent, length: number): readonly Commit[] {
  const gone = new Set(remasks.map(({ row }) => row));
  return commits.filter(({ row }) => !gone.has(row) && (deletes.length === 0 || row < length));
}

function revisionMismatch({ commits, remasks, overwrites }: StepEvent, step: GoldenStep): string | null {
  const fresh = new Set(commits.map(({ row }) => row));
  const taken = remasks
    .map(({ row }) => row)
    .filter((row) => !fresh.has(row))
    .sort((a, b) => a - b);
  const wanted = step.remask.map(([row]) => row!).sort((a, b) => a - b);
  if (taken.join() !== wanted.join())
    return `takes back ${taken.join() || "nothing"}, not ${wanted.join() || "nothing"}`;
  const written = overwrites.map(({ row, id }) => `${row}:${id}`).sort();
  const asked = step.overwrite.map(([row, _old, id]) => `${row}:${id}`).sort();
  return written.join() === asked.join() ? null : `overwrites ${written.join()}, not ${asked.join()}`;
}

function lengthMismatch(length: number, { newLen }: GoldenStep): string | null {
  return newLen === undefined || newLen === length ? null : `the canvas has ${length} cells, not ${newLen}`;
}

function quotaMismatch(quota: number | undefined, step: GoldenStep): string | null {
  if (typeof step.quota !== "number" || step.quota === quota) return null;
  return `the quota is ${quota ?? "open"}, not ${step.quota}`;
}
