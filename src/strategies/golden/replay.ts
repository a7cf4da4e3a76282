import type { ForwardRequest } from "../../core/types.ts";
import { continuationCanvas, countMasks } from "../canvas.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { goldenRandom } from "../golden-random.ts";
import { canvasHash, createOracle, type Oracle } from "../oracle.ts";
import type { Strategy } from "../strategy.ts";
import { GOLDEN_STRATEGIES } from "./golden-strategies.ts";
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
  if (decoder === "oracle-vectors") return { decoder, outcomes: replayVectors(json) };
  const build = Object.hasOwn(GOLDEN_STRATEGIES, decoder) ? GOLDEN_STRATEGIES[decoder] : undefined;
  if (build === undefined) {
    const outcomes = parseNamedCases(json).map(
      ({ id, quirk }): CaseOutcome =>
        quirk ? skipped(id) : { id, outcome: "failed", why: `no decoder for ${decoder} yet` },
    );
    return { decoder, outcomes };
  }
  const outcomes = parseCases(json).map((golden): CaseOutcome => {
    if (golden.quirk) return skipped(golden.id);
    const why = mismatch(golden, build(golden));
    return { id: golden.id, outcome: why === null ? "passed" : "failed", why: why ?? "" };
  });
  return { decoder, outcomes };
}

function skipped(id: string): CaseOutcome {
  return { id, outcome: "skipped", why: "depends on undefined behaviour of torch" };
}

/** The first difference between a case and our run, in words; null when there is none. */
function mismatch(golden: GoldenCase, strategy: Strategy): string | null {
  const { oracle: parameters, prompt, genLen, steps } = golden;
  const state = startState(continuationCanvas(prompt, genLen, parameters.mask));
  const random = goldenRandom(golden.rng?.rseed ?? golden.seed);
  const oracle = createOracle(golden.seed, parameters, random);
  // The references choose among all ids, the mask included.
  const traits = { maskId: parameters.mask, suppress: [], attention: { kind: "full" } } as const;
  const decoder = decode(strategy, traits, state, random);
  let turn = decoder.next();
  let index = 0;
  let quota: number | undefined;
  while (turn.done !== true) {
    const output = turn.value;
    const step = steps[index];
    if (step === undefined) return `takes more than ${steps.length} forwards`;
    if (output.type === "request") {
      quota = state.quotas[state.stepInBlock];
      const stats = oracle.forward(output.request);
      const wrong = canvasMismatch(output.request, step) ?? sightMismatch(output.request, oracle, step);
      if (wrong !== null) return `step ${index}: ${wrong}`;
      turn = decoder.next(stats);
    } else {
      const wrong = commitMismatch(output, step) ?? quotaMismatch(quota, step);
      if (wrong !== null) return `step ${index}: ${wrong}`;
      index++;
      turn = decoder.next(undefined);
    }
  }
  if (golden.stuck !== (turn.value === "stuck")) return `ends ${turn.value}`;
  if (index !== steps.length) return `takes ${index} forwards, not ${steps.length}`;
  if (state.nfe !== golden.nfe) return `takes ${state.nfe} forwards, not ${golden.nfe}`;
  if (canvasHash(state.canvas.ids) !== canvasHash(golden.final)) return "the final canvas differs";
  if (turn.value === "complete" && countMasks(state.canvas) > 0) return "masks are left";
  return null;
}

function canvasMismatch({ canvases }: ForwardRequest, step: GoldenStep): string | null {
  const canvas = canvases[0]!;
  if (canvasHash(canvas) !== step.h) return "the canvas before the forward differs";
  return step.canvas !== undefined && canvasHash(step.canvas) !== step.h
    ? "its canvas has another hash"
    : null;
}

function sightMismatch({ canvases, kv }: ForwardRequest, { seen }: Oracle, step: GoldenStep): string | null {
  const { rows, visHash } = step;
  const computed = kv?.queryRows ?? canvases[0]!.map((_, row) => row);
  if (rows !== undefined && (computed[0] !== rows[0] || computed.length !== rows[1])) {
    return `computes ${computed.length} rows from ${computed[0]}, not ${rows[1]} from ${rows[0]}`;
  }
  return visHash === undefined || canvasHash(seen[0]!.ids) === visHash
    ? null
    : "what the forward sees differs";
}

function commitMismatch({ commits }: StepEvent, step: GoldenStep): string | null {
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

function quotaMismatch(quota: number | undefined, step: GoldenStep): string | null {
  if (typeof step.quota !== "number" || step.quota === quota) return null;
  return `the quota is ${quota ?? "open"}, not ${step.quota}`;
}
