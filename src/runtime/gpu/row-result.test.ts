import { expect, test } from "vitest";
import { gumbel, hash3 } from "../../core/random.ts";
import type { ForwardRequest, NoiseRequest, RowStats } from "../../core/types.ts";
import { allocateRowStats, reduceRows } from "../../math/row-stats.ts";
import { UNSURE, WHOLE_ROW } from "./nucleus-kernel.ts";
import { CANDIDATES, HEAD, HEAD_WORDS, LOWEST, NO_ID, type RowLayout, strideOf } from "./row-layout.ts";
import { rankedIds, readRowResult, unsureRows } from "./row-result.ts";

const VOCAB = 90;
const ROWS = Int32Array.of(2, 5, 11);

function requestOf(topK: number, noise: NoiseRequest): ForwardRequest {
  return {
    canvases: [new Int32Array(12)],
    rows: ROWS,
    attention: { kind: "full" },
    guidance: { kind: "none" },
    signals: { topK, entropy: true, current: false, probe: [], tempered: true, noise },
    suppress: [],
    kv: null,
    promptLen: 0,
  };
}

/** Logits of a row from some finite ids on; the others have none. */
function logitsOf(row: number, finite: number): Float32Array {
  const logits = new Float32Array(VOCAB).fill(Number.NEGATIVE_INFINITY);
  for (let id = 0; id < finite; id++) logits[(id * 37) % VOCAB] = hash3(row, id, 1, 1) / 2 ** 30;
  return logits;
}

function expected(request: ForwardRequest, finite: number): RowStats {
  const stats = allocateRowStats(ROWS, request.signals, "f64");
  const logits = new Float32Array(ROWS.length * VOCAB);
  for (const [r, row] of ROWS.entries()) logits.set(logitsOf(row, finite), r * VOCAB);
  reduceRows(logits, VOCAB, new Int32Array(12), request.signals, [], stats);
  return stats;
}

/**
 * The kernel's words for the same logits; `word` is what it says about the cut of each row, a count for those it is sure
 * of.
 */
function wordsOf(
  { signals }: ForwardRequest,
  layout: RowLayout,
  finite: number,
  word: (r: number) => number,
) {
  const noise = signals.noise!;
  const ranked = rankedIds(signals, VOCAB);
  const stride = strideOf(layout);
  const more = ranked > layout.width;
  const words = new Uint32Array(ROWS.length * (stride + (more ? 2 * ranked : 0)));
  const floats = new Float32Array(words.buffer);
  for (const [r, row] of ROWS.entries()) {
    const logits = logitsOf(row, finite);
    const ids = Array.from(logits.keys())
      .filter((id) => logits[id]! > Number.NEGATIVE_INFINITY)
      .sort((a, b) => logits[b]! - logits[a]! || a - b);
    const list = (at: number, count: number, from: readonly number[]) => {
      for (let n = 0; n < count; n++) {
        const id = from[n];
        words[at + 2 * n] = id ?? NO_ID;
        floats[at + 2 * n + 1] = id === undefined ? LOWEST : logits[id]!;
      }
    };
    const kept = word(r);
    const noisy = (id: number) =>
      Math.fround(logits[id]! + noise.temperature * gumbel(noise.seed, noise.step, row, id));
    const competing = ids.slice(0, Math.min(ids.length, kept)).sort((a, b) => noisy(b) - noisy(a));
    const start = r * stride;
    list(start + HEAD_WORDS, CANDIDATES, competing);
    list(start + HEAD_WORDS + 2 * CANDIDATES, layout.width, ids);
    if (more) list(ROWS.length * stride + 2 * r * ranked, ranked, ids);
    const below = (id: number) => logits[id]! - logits[ids[0]!]!;
    const sums = (over: readonly number[], temperature: number): readonly [number, number] => [
      over.reduce((sum, id) => sum + Math.exp(below(id) / temperature), 0),
      over.reduce((sum, id) => sum + Math.exp(below(id) / temperature) * (below(id) / temperature), 0),
    ];
    floats.set([...sums(ids, 1), ...sums(competing, noise.temperature)], start + HEAD.sum);
    words[start + HEAD.kept] = kept;
  }
  return { words: words.buffer, ranked };
}

const NOISE = { temperature: 0.8, seed: 4, step: 2 };

test.each([
  ["few ids asked for, the row competes", 2, 90, { topK: 0, topP: 0.99 }, WHOLE_ROW],
  ["few ids asked for, the CPU cuts", 2, 90, { topK: 12, topP: 0.7 }, UNSURE],
  ["few ids asked for, the CPU finds no cut", 2, 90, { topK: 0, topP: 0.99 }, UNSURE],
  ["the ranked ids are among those asked for", 16, 90, { topK: 5, topP: 0.6 }, UNSURE],
  ["a cut by top-k alone", 3, 90, { topK: 7, topP: 1 }, 7],
  ["fewer ids than top-k keeps", 3, 4, { topK: 7, topP: 1 }, 4],
  ["fewer ids than that, and the CPU cuts", 3, 4, { topK: 7, topP: 0.5 }, UNSURE],
])("statistics from the kernel's words are the reference's: %s", (_what, width, finite, cut, word) => {
  const request = requestOf(width, { ...NOISE, ...cut });
  const layout: RowLayout = { width, candidates: CANDIDATES, probes: 0, gather: 0, agrees: false };
  const { words, ranked } = wordsOf(request, layout, finite, () => word);
  expect(unsureRows(words, ROWS.length, layout)).toEqual(word === UNSURE ? [0, 1, 2] : []);
  const shape = { ...layout, vocab: VOCAB, slots: new Uint32Array(3), ranked };
  const found = readRowResult(words, request, shape, allocateRowStats(ROWS, request.signals, "f64"));
  const reference = expected(request, finite);
  expect(found.sampledIds).toEqual(reference.sampledIds);
  expect(found.topIds).toEqual(reference.topIds);
  for (const name of ["sampledLogits", "lse", "entropy", "temperedLse", "temperedEntropy"] as const) {
    for (const [r, value] of reference[name]!.entries()) expect(found[name]![r]).toBeCloseTo(value, 4);
  }
});

test("rows that need their ranked ids are named", () => {
  const request = requestOf(2, { ...NOISE, topK: 12, topP: 0.7 });
  const layout: RowLayout = { width: 2, candidates: CANDIDATES, probes: 0, gather: 0, agrees: false };
  const { words } = wordsOf(request, layout, VOCAB, (r) => (r === 1 ? UNSURE : 3));
  expect(unsureRows(words, ROWS.length, layout)).toEqual([1]);
});
