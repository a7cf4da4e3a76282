import { uniform } from "../core/random.ts";
import type { Rng } from "./strategy.ts";

/** Stands in for a token id, so that row numbers never share a counter with token noise. */
const ROW_STREAM = 0xffff_ffff;

/** Counter-based randomness of a run: a pure function of seed, step and row. */
export function seededRng(seed: number): Rng {
  return {
    seed,
    uniforms: (step, rows) => Float64Array.from(rows, (row) => uniform(seed, step, row, ROW_STREAM)),
  };
}
