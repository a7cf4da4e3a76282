import fc from "fast-check";
import { expect, test } from "vitest";
import type { ForwardRequest, RowStats } from "../../core/types.ts";
import { createDivergenceTracker } from "../../math/divergence.ts";
import { draftRequest } from "../../math/drafts.ts";
import { applyGuidance } from "../../math/guidance.ts";
import { allocateRowStats, reduceRows } from "../../math/row-stats.ts";
import type { StepEvent } from "../decode.ts";
import type { Oracle } from "../oracle/oracle.ts";
import { oracleLogits } from "../oracle/oracle-logits.ts";
import { buildStrategy, PRESETS } from "../recipe/presets.ts";
import {
  continued,
  DELIMITER,
  EOS,
  HINTS,
  MASK,
  PAD,
  run,
  type Scene,
  scene,
  settingsOf,
} from "../testing/scenes.ts";

/** P12 of the strategies note, section 12: a decoder does not care how tokens are numbered. */

/** The scripted model after its tokens were given other names: `renamed[id]` is the new id. */
function renamedOracle({ seed, oracle: parameters }: Scene, renamed: readonly number[]): Oracle {
  const { V } = parameters;
  const original = new Int32Array(V);
  for (const [id, to] of renamed.entries()) original[to] = id;
  const divergence = createDivergenceTracker(V);
  const logitsOf = (canvas: Int32Array, rows: Int32Array): Float32Array => {
    const before = canvas.map((id) => original[id]!);
    const logits = new Float32Array(rows.length * V);
    const row = new Float32Array(V);
    for (const [r, at] of rows.entries()) {
      oracleLogits(seed, before, at, parameters, row);
      for (let id = 0; id < V; id++) logits[r * V + renamed[id]!] = row[id]!;
    }
    return logits;
  };
  const answer = (request: ForwardRequest): RowStats => {
    const { rows, canvases, signals, guidance, suppress, drafts } = request;
    const [logits, other] = canvases.map((canvas) => logitsOf(canvas, rows));
    if (guidance.kind === "cfg") applyGuidance(logits!, other!, guidance.scale);
    const stats = allocateRowStats(rows, signals, "f64");
    reduceRows(logits!, V, canvases[0]!, signals, suppress, stats);
    const { klPrevious } = signals;
    if (klPrevious !== undefined) divergence.track(rows, logits!, stats.lse, klPrevious, stats.klPrevious!);
    if (drafts === undefined) return stats;
    return { ...stats, drafts: drafts.map((draft) => answer(draftRequest(request, draft))) };
  };
  return { maskId: MASK, seen: [], forward: answer };
}

/** Ids whose names mean something to a strategy stay. */
const FIXED = [EOS, PAD, MASK, DELIMITER];
const naming: fc.Arbitrary<readonly number[]> = fc
  .shuffledSubarray(
    Array.from({ length: 64 }, (_, id) => id).filter((id) => !FIXED.includes(id)),
    { minLength: 64 - FIXED.length },
  )
  .map((order) => {
    const rest = [...order];
    return Array.from({ length: 64 }, (_, id) => (FIXED.includes(id) ? id : rest.pop()!));
  });

test.each(Object.keys(PRESETS))("P12: %s does not care how tokens are numbered", (name) => {
  fc.assert(
    fc.property(scene, naming, fc.constantFrom(0, 1), (any, renamed, cfg) => {
      const input = PRESETS[name]!.continuationOnly === true ? continued(any) : any;
      const ids = input.canvas.ids.map((id) => renamed[id]!);
      const settings = settingsOf(input, { guidance: { cfg } });
      const strategy = buildStrategy(PRESETS[name]!, settings, HINTS);
      const there = run(
        { ...input, canvas: { ...input.canvas, ids } },
        strategy,
        renamedOracle(input, renamed),
      );
      const back = run(input, strategy);
      const told = (events: readonly StepEvent[], nameOf: (id: number) => number): object[] =>
        events.map(({ commits, overwrites, remasks, inserts, deletes }) => ({
          commits: commits.map(({ row, id }) => [row, nameOf(id)]),
          overwrites: overwrites.map(({ row, id }) => [row, nameOf(id)]),
          remasks,
          inserts,
          deletes,
        }));
      expect(told(there, (id) => id)).toEqual(told(back, (id) => renamed[id]!));
    }),
    { numRuns: 12 },
  );
});
