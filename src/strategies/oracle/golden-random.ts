import { hash3 } from "../../core/random.ts";
import type { Rng } from "../strategy.ts";

/** The numbers that stood in for torch's generator when the golden files were recorded (FORMAT.md section 1). */
export interface GoldenRandom extends Rng {
  /** Number of the next random call; calls count from 0. */
  nextCall(): number;
  /** Uniform of element `e` of call `call`. */
  float64(call: number, e: number): number;
  /** As `float64`, with the 24 bits that torch draws for a float32. */
  float32(call: number, e: number): number;
}

/** @param rseed `rng.rseed` of a golden case */
export function goldenRandom(rseed: number): GoldenRandom {
  let calls = 0;
  const random: GoldenRandom = {
    seed: rseed,
    nextCall: () => calls++,
    float64: (call, e) => (hash3(rseed, 20, call, e) + 0.5) / 4_294_967_296,
    float32: (call, e) => Math.fround(((hash3(rseed, 20, call, e) >>> 8) + 0.5) / 16_777_216),
    uniforms: (_step, rows) => {
      const call = random.nextCall();
      return Float64Array.from(rows, (row) => random.float32(call, row));
    },
  };
  return random;
}
