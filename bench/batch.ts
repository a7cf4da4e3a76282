import { fileURLToPath } from "node:url";
import { complement, range } from "../src/cache/rows.ts";
import type { BenchOptions } from "../src/cli/bench.ts";
import type { ForwardRequest, KvPlan } from "../src/core/types.ts";
import { type LoadedModel, loadModel } from "../src/runtime/open/load-model.ts";
import { nodePlatform } from "../src/runtime/platform/platform-node.ts";
import { markdownTable } from "./harness/table.ts";
import { spreadOf } from "./stats/spread.ts";

/**
 * Several canvases in one run of the model against a run each, on one thread of Node's WASM with the embedded model: what
 * `src/runtime/forward/batch-limits.ts` decides by. Processor time, because other work on the machine hardly changes it; both ways
 * in turns. Each canvas has 128 cells, of which the rows are computed and the others are cached.
 */
const MODEL = fileURLToPath(new URL("../public/models/default", import.meta.url));
const CELLS = 128;
const ROWS = [8, 16, 32, 64, 128];
const CANVASES = [2, 4];
const VARIANTS = ["int8", "q4"];
const NONE = new Int32Array(0);

/** Medians, in milliseconds of processor time for all canvases. */
interface Point {
  readonly variant: string;
  readonly canvases: number;
  readonly rows: number;
  readonly apart: number;
  readonly together: number;
  readonly gain: number;
}

export async function runSuite({ quick, io }: BenchOptions) {
  const points: Point[] = [];
  for (const variant of quick ? VARIANTS.slice(0, 1) : VARIANTS) {
    const open = (batch: boolean) =>
      loadModel(nodePlatform(), MODEL, { variant, threads: 1, batch }, () => {}, io.signal);
    const models = [await open(false), await open(true)] as const;
    try {
      for (const canvases of CANVASES) {
        for (const rows of ROWS) {
          io.status(`${variant}, ${canvases} canvases of ${rows} rows`);
          io.signal.throwIfAborted();
          points.push({
            variant,
            canvases,
            rows,
            ...(await measure(models, canvases, rows, quick ? 3 : 15)),
          });
        }
      }
    } finally {
      for (const { denoiser } of models) await denoiser.dispose();
    }
  }
  io.status("");
  const table = markdownTable({
    title: "Canvases in one run",
    columns: ["weights", "canvases", "rows each", "ms apart", "ms together", "times less"],
    rows: points.map(({ variant, canvases, rows, apart, together, gain }) =>
      [variant, canvases, rows, apart, together, gain.toFixed(2)].map(String),
    ),
  });
  return { json: { cells: CELLS, points, quick }, lines: table.split("\n") };
}

async function measure(
  models: readonly [LoadedModel, LoadedModel],
  canvases: number,
  rows: number,
  times: number,
): Promise<Pick<Point, "apart" | "together" | "gain">> {
  const all = range(0, CELLS);
  const fill: KvPlan = { queryRows: all, readRows: NONE, writeRows: all };
  const active = range(0, rows);
  const step: KvPlan = { queryRows: active, readRows: complement(CELLS, active), writeRows: NONE };
  const spent: number[][] = [[], []];
  for (const { denoiser, manifest } of models)
    await denoiser.forwardAll!(requestsOf(manifest, canvases, fill));
  for (let time = -1; time < times; time++) {
    for (const [at, { denoiser, manifest }] of models.entries()) {
      const requests = requestsOf(manifest, canvases, step);
      const before = process.cpuUsage();
      await denoiser.forwardAll!(requests);
      const { user, system } = process.cpuUsage(before);
      // The first of each fills what is made once.
      if (time >= 0) spent[at]!.push((user + system) / 1000);
    }
  }
  const [apart, together] = spent.map((values) => spreadOf(values).median);
  return { apart: apart!, together: together!, gain: apart! / together! };
}

function requestsOf(
  { tokens, attention }: LoadedModel["manifest"],
  canvases: number,
  kv: KvPlan,
): readonly ForwardRequest[] {
  return Array.from({ length: canvases }, (_, lane) => ({
    canvases: [range(0, CELLS).map((row) => (row % 2 === 0 ? tokens.mask : (37 * row + lane) % 300))],
    rows: kv.queryRows.subarray(0, 8),
    attention,
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: false, current: false, probe: [] },
    suppress: [tokens.mask],
    kv,
    promptLen: 0,
    lane,
  }));
}
