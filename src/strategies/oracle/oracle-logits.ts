import { hashWords } from "../../core/random.ts";

/** Parameters of the scripted oracle; the meaning of each is the definition in the golden format, section 1. */
export interface OracleParameters {
  readonly V: number;
  readonly mask: number;
  readonly W: number;
  readonly base: number;
  readonly spread: number;
  readonly rise: number;
  readonly jit: number;
  readonly swing: number;
  readonly keep: number;
  readonly gapMin: number;
  readonly gapSpan: number;
  readonly shift: number;
  /** `[id, from, to, rate]`: cells in `[from, to)` predict `id` at `rate / 256`. */
  readonly specials: readonly (readonly [number, number, number, number])[];
}

/** Parameters of the golden files where a case names none. */
export const ORACLE_DEFAULTS: OracleParameters = {
  V: 64,
  mask: 63,
  W: 2,
  base: -64,
  spread: 256,
  rise: 128,
  jit: 96,
  swing: 64,
  keep: 208,
  gapMin: 48,
  gapSpan: 320,
  shift: 0,
  specials: [],
};

const GRID = 1_048_576;
const OUTSIDE = 0xffff;

/**
 * Logits of output row `row` for the visible `canvas`: a pure integer hash, exact in float32.
 *
 * @param logits receives `[V]` values on the grid 2^-20
 */
export function oracleLogits(
  seed: number,
  canvas: ArrayLike<number>,
  row: number,
  parameters: OracleParameters,
  logits: Float32Array,
): void {
  const { V, mask } = parameters;
  const cell = row + parameters.shift;
  const context = contextHash(seed, canvas, cell, parameters.W);
  const target = targetOf(seed, canvas, cell, context, parameters);
  const second = runnerUp(seed, cell, target, parameters);
  const top = peak(seed, canvas, cell, context, parameters);
  const gap = parameters.gapMin + ((low(hashWords(context, [11])) * parameters.gapSpan) >> 8);
  for (let id = 0; id < V; id++) {
    let score: number;
    if (id === target) score = top;
    else if (id === second) score = top - gap;
    else if (id === mask) score = -320;
    else score = -256 + (hashWords(seed, [12, cell, id]) & 127);
    logits[id] = (score * 16_384 + id + 10 * cell) / GRID;
  }
}

function contextHash(seed: number, canvas: ArrayLike<number>, cell: number, width: number): number {
  const words = [1, cell];
  for (let k = -width; k <= width; k++) words.push(canvas[cell + k] ?? OUTSIDE);
  return hashWords(seed, words);
}

function targetOf(
  seed: number,
  canvas: ArrayLike<number>,
  cell: number,
  context: number,
  { V, mask, swing, keep, specials }: OracleParameters,
): number {
  let target = hashWords(seed, [3, cell]) % V;
  if (low(hashWords(context, [4])) < swing) target = hashWords(context, [5]) % V;
  if (target === mask) target = (target + 1) % V;
  for (const [j, [id, from, to, rate]] of specials.entries()) {
    if (from <= cell && cell < to && low(hashWords(seed, [6, cell, j])) < rate) target = id;
  }
  const own = canvas[cell] ?? mask;
  return own !== mask && low(hashWords(context, [7])) < keep ? own : target;
}

function runnerUp(seed: number, cell: number, target: number, { V, mask }: OracleParameters): number {
  let id = (target + 1 + (hashWords(seed, [8, cell]) % (V - 1))) % V;
  for (let i = 0; i < 2; i++) if (id === mask || id === target) id = (id + 1) % V;
  return id;
}

/** Score of the target on the 1/64 grid: a part of the cell, a part that rises as the canvas fills, and jitter. */
function peak(
  seed: number,
  canvas: ArrayLike<number>,
  cell: number,
  context: number,
  { mask, base, spread, rise, jit }: OracleParameters,
): number {
  let filled = 0;
  for (let i = 0; i < canvas.length; i++) if (canvas[i] !== mask) filled++;
  const share = Math.floor((filled * 256) / canvas.length);
  return (
    base +
    ((low(hashWords(seed, [9, cell])) * spread) >> 8) +
    ((share * rise) >> 8) +
    ((low(hashWords(context, [10])) * jit) >> 8)
  );
}

function low(hash: number): number {
  return hash & 255;
}
