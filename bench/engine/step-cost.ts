import { complement, range } from "../../src/cache/rows.ts";
import type { KvPlan } from "../../src/core/types.ts";
import type { LoadedModel } from "../../src/runtime/open/load-model.ts";
import type { Table } from "../harness/table.ts";
import { showSpread, spreadOf } from "../stats/spread.ts";
import { BLOCK, CANVAS, plainRequest, stopIf } from "./common.ts";

export type StepCost = Awaited<ReturnType<typeof stepCost>>;

/** A denoise step of the middle block: with everything computed, and with the block alone over fresh cached rows. */
export async function stepCost({ denoiser, manifest }: LoadedModel, rounds: number, signal: AbortSignal) {
  const ids = Int32Array.from({ length: CANVAS }, (_, row) =>
    row < 128 ? (row * 31 + 7) % 4000 : manifest.tokens.mask,
  );
  const rows = range(128, 128 + BLOCK);
  const others = complement(CANVAS, rows);
  const none = new Int32Array(0);
  const ask = async (kv: KvPlan | null): Promise<number> => {
    const request = { ...plainRequest(manifest, ids, rows), kv, promptLen: 128 };
    const began = performance.now();
    await denoiser.forward(request);
    return performance.now() - began;
  };
  await ask({ queryRows: range(0, CANVAS), readRows: none, writeRows: others });
  const block = { queryRows: rows, readRows: others, writeRows: none };
  await ask(block);
  const times: { full: number[]; active: number[] } = { full: [], active: [] };
  for (let round = 0; round < rounds; round++) {
    stopIf(signal);
    times.full.push(await ask(null));
    times.active.push(await ask(block));
  }
  const [full, active] = [spreadOf(times.full), spreadOf(times.active)];
  return {
    canvas: CANVAS,
    activeRows: BLOCK,
    full,
    active,
    ratio: Math.round((10 * full.median) / active.median) / 10,
  };
}

export function stepTable({ full, active, ratio }: StepCost): Table {
  return {
    title: "A step",
    columns: ["rows", "a forward"],
    rows: [
      [String(CANVAS), showSpread(full, "ms")],
      [`${BLOCK} of ${CANVAS}`, `${showSpread(active, "ms")}: ${ratio} times fewer`],
    ],
  };
}
