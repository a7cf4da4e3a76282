import { range } from "../../src/cache/rows.ts";
import type { LoadedModel } from "../../src/runtime/open/load-model.ts";
import { nodePlatform } from "../../src/runtime/platform/platform-node.ts";
import type { Table } from "../harness/table.ts";
import { type Spread, showSpread, spreadOf } from "../stats/spread.ts";
import { plainRequest, stopIf } from "./common.ts";
import { type CostModel, type CostSample, fitCost } from "./cost-model.ts";
import { floorMs, type MachineRates, measureRates, workOf } from "./floor.ts";

/** Rows and keys of the forwards that the cost model is fitted to. */
const GRID = [8, 16, 32, 64, 128, 256].flatMap((rows) =>
  [128, 256, 512].flatMap((keys) => (keys < rows ? [] : [{ rows, keys }])),
);
/** Rows through the head in each of them. */
const LOGIT_ROWS = 8;

export interface Cost {
  readonly samples: readonly (CostSample & { readonly spread: Spread })[];
  readonly fit: CostModel;
  readonly rates: MachineRates;
  /** Measured milliseconds over the least possible, by sample. */
  readonly overFloor: readonly number[];
}

/** Forwards of every size in turns, the model fitted to their medians, and their distance to the machine's floor. */
export async function costOf(
  { denoiser, manifest }: LoadedModel,
  rounds: number,
  signal: AbortSignal,
): Promise<Cost> {
  const none = new Int32Array(0);
  const grid = GRID.filter(({ keys }) => keys <= manifest.maxCanvas);
  const times = grid.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [at, { rows, keys }] of grid.entries()) {
      stopIf(signal);
      const queryRows = range(keys - rows, keys);
      const readRows = range(0, keys - rows);
      const canvas = Int32Array.from({ length: keys }, (_, row) => (row * 31 + 7) % 4000);
      const request = plainRequest(manifest, canvas, range(keys - LOGIT_ROWS, keys));
      // Stores what the timed forward reads.
      if (readRows.length > 0) {
        const all = range(0, keys);
        await denoiser.forward({ ...request, kv: { queryRows: all, readRows: none, writeRows: readRows } });
      }
      const began = performance.now();
      const kv = { queryRows, readRows, writeRows: none };
      await denoiser.forward(readRows.length === 0 ? request : { ...request, kv });
      if (round > 0) times[at]!.push(performance.now() - began);
    }
  }
  const samples = grid.map((size, at) => {
    const spread = spreadOf(times[at]!);
    return { ...size, ms: spread.median, spread };
  });
  const rates = await measureRates(await nodePlatform().loadOrt("wasm", undefined), rounds);
  const overFloor = samples.map(
    ({ rows, keys, ms }) => ms / floorMs(workOf(manifest, rows, keys, LOGIT_ROWS), rates),
  );
  return { samples, fit: fitCost(samples), rates, overFloor };
}

export function costTable({ samples, fit, rates, overFloor }: Cost): Table {
  const at = (rows: number, keys: number) =>
    samples.findIndex((one) => one.rows === rows && one.keys === keys);
  const shown = [at(8, 256), at(32, 256), at(256, 256), at(32, 512)].filter((index) => index >= 0);
  return {
    title: "Cost of a forward",
    columns: ["rows", "keys", "measured", "times the floor"],
    rows: shown.map((index) => {
      const { rows, keys, spread } = samples[index]!;
      return [String(rows), String(keys), showSpread(spread, "ms"), overFloor[index]!.toFixed(1)];
    }),
    notes: [
      `ms = ${fit.fixed.toFixed(2)} + ${fit.perRow.toFixed(4)} rows + ${fit.perPair.toExponential(2)} rows keys, mean error ${(100 * fit.error).toFixed(1)} %. ` +
        `The floor: ${(rates.macsPerSecond / 1e9).toFixed(1)} G int8 multiply-adds a second, ${(rates.bytesPerSecond / 1e9).toFixed(1)} GB a second, measured in the same runtime.`,
    ],
  };
}
