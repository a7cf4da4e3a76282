import { uniform } from "../core/random.ts";
import { RANDOM_STREAMS } from "../core/random-streams.ts";
import type { Rng } from "./strategy.ts";

/** Counter-based randomness of a run: a pure function of seed, step and row. */
export function seededRng(seed: number): Rng {
  return {
    seed,
    uniforms: (step, rows) => Float64Array.from(rows, (row) => uniform(seed, step, row, RANDOM_STREAMS.rows)),
  };
}
