import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileConstraint } from "../../constraints/constraint.ts";
import { utf8Bytes } from "../../constraints/utf8.ts";
import { hashWords, uniform } from "../../core/random.ts";
import type { ForwardRequest, RowStats } from "../../core/types.ts";
import { createDivergenceTracker } from "../../math/divergence.ts";
import { allocateRowStats, reduceRows } from "../../math/row-stats.ts";
import { decode, type StepEvent, startState } from "../decode.ts";
import { type ConstraintPath, constrained } from "../pieces/constrain.ts";
import { buildStrategy, PRESETS } from "../recipe/presets.ts";
import { seededRng } from "../rng.ts";
import { MASK, masks, V } from "../testing/play.ts";
import { HINTS } from "../testing/preset-scenes.ts";

/** What holds of any constrained run, by a reference that knows whole rows of logits and tries every token. */

const LISTED = 64;
const letter = (id: number): string => String.fromCodePoint(0x100 + id);
const tokens = Array.from({ length: V }, (_, id) =>
  Uint8Array.from(id === MASK ? [] : utf8Bytes(letter(id))),
);

const id = fc.nat(V - 2);
const oneOf = fc
  .uniqueArray(id, { minLength: 1, maxLength: 5 })
  .map((ids) => `[${ids.map(letter).join("")}]`);
/** An expression and the cells that its texts fill. */
const pattern = fc
  .array(
    fc.oneof(
      oneOf.map((source) => ({ source, cells: 1 })),
      fc
        .tuple(oneOf, oneOf, oneOf, oneOf)
        .map(([a, b, c, d]) => ({ source: `(${a}${b}|${c}${d})`, cells: 2 })),
      fc.tuple(oneOf, oneOf).map(([a, b]) => ({ source: `(${a}|${b}{3}|${a}${b}${a})`, cells: 3 })),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => ({
    regex: parts.map(({ source }) => source).join(""),
    cells: parts.reduce((sum, { cells }) => sum + cells, 0),
  }));

const scene = fc.record({
  pattern,
  seed: fc.nat(1e6),
  block: fc.integer({ min: 1, max: 16 }),
  steps: fc.integer({ min: 1, max: 16 }),
  threshold: fc.constantFrom(0.02, 0.1, 0.5, 0.9),
  gamma: fc.constantFrom(0.05, 1, 8),
  /** How far the logits lie apart. */
  spread: fc.constantFrom(1, 6, 14),
  path: fc.constantFrom("greedy" as const, "best" as const),
});

/** Logits of a row: noise that depends on the whole canvas. */
function logitsOf(seed: number, canvas: Int32Array, row: number, spread: number): Float32Array {
  const context = hashWords(seed, canvas);
  const logits = Float32Array.from({ length: V }, (_, token) => spread * uniform(context, row, token, 0));
  logits[MASK] = Number.NEGATIVE_INFINITY;
  return logits;
}

/** A row as the reference sees it. */
interface Row {
  readonly row: number;
  /** The most probable allowed token, and what is said of it. */
  readonly best: number;
  readonly p: number;
  /** No listed token is allowed. */
  readonly waits: boolean;
  /** Entropy, and at least what the token costs where the row's best is not allowed. */
  readonly entropy: number;
}

function rowOf(row: number, logits: Float32Array, allowed: Int32Array): Row {
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  const p = (token: number): number => Math.exp(logits[token]!) / sum;
  const place = order.findIndex((token) => allowed.includes(token));
  const best = order[place]!;
  const entropy = -order.slice(0, -1).reduce((total, token) => total + p(token) * Math.log(p(token)), 0);
  const cost = place === 0 ? 0 : -Math.log(p(best));
  return { row, best, p: p(best), waits: place >= LISTED, entropy: Math.max(entropy, cost) };
}

const PRESETS_TRIED = ["llada", "fast-dllm", "eb", "klass", "credit", "dream-entropy"];

describe.each(PRESETS_TRIED)("%s", (name) => {
  test("chooses by the best allowed token of each row, and leaves rows without a listed one for last", () => {
    let closer = 0;
    let conflicts = 0;
    fc.assert(
      fc.property(scene, ({ pattern: { regex, cells }, seed, spread, path, ...knobs }) => {
        const { state, block, track, turns: decoder } = start(name, regex, cells, knobs, path, seed);
        const divergence = createDivergenceTracker(V);
        let asked: ForwardRequest[] = [];
        let nfe = 0;
        let turn = decoder.next();
        while (turn.done !== true) {
          const output = turn.value;
          if (output.type === "request") {
            asked.push(output.request);
            turn = decoder.next(answer(output.request, seed, spread, divergence));
            continue;
          }
          if (output.type === "step") {
            expect(output.nfe - nfe).toBe(asked.length);
            nfe = output.nfe;
            if (asked.length > 1) closer++;
            conflicts += checkStep(output, asked);
            asked = [];
          }
          turn = decoder.next(undefined);
        }
        expect(turn.value).toBe("complete");
        expect(state.nfe).toBeLessThanOrEqual(2 * cells);
        expect(Array.from(state.canvas.ids, letter).join("")).toMatch(new RegExp(`^(?:${regex})$`, "u"));

        /** @returns rows that waited because of what the step wrote */
        function checkStep({ commits }: StepEvent, [first, further, ...more]: ForwardRequest[]): number {
          const canvas = first!.canvases[0]!;
          const tracker = track(canvas);
          const open = canvas.indexOf(MASK);
          const rows = Array.from(canvas.keys())
            .filter((row) => canvas[row] === MASK && row < (Math.floor(open / block) + 1) * block)
            .map((row) => rowOf(row, logitsOf(seed, canvas, row, spread), tracker.allowedIds(row)));
          const isAll = rows.every(({ waits }) => waits);
          expect(further !== undefined).toBe(isAll);
          expect(more).toEqual([]);
          expect(commits.length).toBeGreaterThan(0);
          const after = canvas.slice();
          const written = commits.map(({ row, id: token }) => {
            after[row] = token;
            const of = rows.find((known) => known.row === row)!;
            expect(of.waits).toBe(isAll);
            return of;
          });
          const left = track(after);
          expect(left.isFeasible()).toBe(true);
          // Credits and the best way through the automaton may prefer another allowed token.
          if (name === "credit" || path === "best") return 0;
          for (const { row, id: token, conf, reason } of commits) {
            const { best, p } = rows.find((known) => known.row === row)!;
            expect(token).toBe(best);
            expect(conf).toBeCloseTo(p, 8);
            if (reason === "threshold") expect(p).toBeGreaterThanOrEqual(knobs.threshold - 1e-9);
          }
          const seen = rows.filter(({ waits }) => waits === isAll);
          const first_ = (key: (row: Row) => number) => seen.reduce((a, b) => (key(b) > key(a) ? b : a));
          if (name === "llada" || name === "fast-dllm") expect(written).toContain(first_(({ p }) => p));
          if (name === "eb" || name === "dream-entropy") {
            const least = first_(({ entropy }) => -entropy).entropy;
            expect(Math.min(...written.map(({ entropy }) => entropy))).toBeCloseTo(least, 8);
          }
          if (name !== "fast-dllm") return 0;
          const waiting = seen.filter((of) => of.p > knobs.threshold + 1e-9 && !written.includes(of));
          for (const { row, best } of waiting) expect(left.isAllowed(row, best)).toBe(false);
          return waiting.length;
        }
      }),
      { numRuns: 150 },
    );
    expect(closer).toBeGreaterThan(10);
    if (name === "fast-dllm") expect(conflicts).toBeGreaterThan(3);
  });

  test("writes a text that is allowed even where every logit is broken", () => {
    fc.assert(
      fc.property(scene, ({ pattern: { regex, cells }, seed, path, ...knobs }) => {
        const { state, turns } = start(name, regex, cells, knobs, path, seed);
        let turn = turns.next();
        while (turn.done !== true) {
          if (turn.value.type !== "request") {
            turn = turns.next(undefined);
            continue;
          }
          const { rows, signals, canvases, suppress } = turn.value.request;
          const stats = allocateRowStats(rows, signals, "f64");
          const broken = new Float32Array(rows.length * V).fill(Number.NaN);
          reduceRows(broken, V, canvases[0]!, signals, suppress, stats);
          turn = turns.next(stats);
        }
        expect(turn.value).toBe("complete");
        expect(Array.from(state.canvas.ids, letter).join("")).toMatch(new RegExp(`^(?:${regex})$`, "u"));
      }),
      { numRuns: 30 },
    );
  });
});

/** A constrained run of a preset that is about to begin. */
function start(
  name: string,
  regex: string,
  cells: number,
  knobs: { block: number; steps: number; threshold: number; gamma: number },
  path: ConstraintPath,
  seed: number,
) {
  const block = name === "dream-entropy" ? cells : Math.min(knobs.block, cells);
  const settings = {
    ...knobs,
    ...{ block, steps: Math.min(knobs.steps, cells), length: cells, table: [], guidance: { cfg: 0 } },
    ...{ temperature: 0, topK: 0, topP: 1, factor: 1 },
  };
  const compiled = compileConstraint({ regex }, { tokens, endIds: [], excluded: [MASK] }, () => []);
  const track = (ids: Int32Array) => compiled.track(ids, { start: 0, end: cells }, MASK);
  const strategy = constrained(
    buildStrategy(PRESETS[name]!, settings, HINTS),
    ({ ids }) => [track(ids)],
    path,
  );
  const traits = { maskId: MASK, suppress: [MASK], attention: { kind: "full" } } as const;
  const state = startState(masks(cells));
  return { state, block, track, turns: decode(strategy, traits, state, seededRng(seed)) };
}

function answer(
  { rows, signals, canvases, suppress }: ForwardRequest,
  seed: number,
  spread: number,
  divergence: ReturnType<typeof createDivergenceTracker>,
): RowStats {
  const canvas = canvases[0]!;
  const logits = new Float32Array(rows.length * V);
  for (const [r, row] of rows.entries()) logits.set(logitsOf(seed, canvas, row, spread), r * V);
  const stats = allocateRowStats(rows, signals, "f64");
  reduceRows(logits, V, canvas, signals, suppress, stats);
  if (signals.klPrevious !== undefined) {
    divergence.track(rows, logits, stats.lse, signals.klPrevious, stats.klPrevious!);
  }
  return stats;
}
