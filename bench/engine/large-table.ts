import type { Table } from "../harness/table.ts";
import { showSpread } from "../stats/spread.ts";
import { BLOCK, CANVAS } from "./common.ts";
import type { LargeReport } from "./large-model.ts";

export function largeTable({
  shape,
  measured,
  stepMs,
  readbackBytes,
  loadedBytes,
  gpuBytes,
}: LargeReport): Table {
  const mark = stepMs.extrapolated
    ? `extrapolated from ${measured.map(({ layers }) => layers).join(" and ")} layers`
    : "measured";
  const step = (median: number, of: "full" | "active") => {
    const spread = measured.at(-1)?.[of];
    return stepMs.extrapolated || spread === undefined ? `${median.toFixed(0)} ms` : showSpread(spread, "ms");
  };
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  return {
    title: `${shape.layers} layers of ${shape.hidden}, vocabulary of ${shape.vocab}, random weights`,
    columns: ["", "", ""],
    rows: [
      [`a step, ${CANVAS} rows`, step(stepMs.full, "full"), mark],
      [`a step, ${BLOCK} of ${CANVAS} rows`, step(stepMs.active, "active"), mark],
      ["read back a step, 32 rows", `${readbackBytes} bytes`, "by the kernel's layout: 16 ids, 4 probes"],
      [
        "process memory after loading int8",
        loadedBytes === null ? "–" : mb(loadedBytes),
        "measured without --quick",
      ],
      ...measured.map(({ layers, heap }) => [
        `JavaScript heap, ${layers} layers`,
        mb(heap.used),
        `measured; arrays outside it ${mb(heap.arrays)}`,
      ]),
      [
        "GPU memory, q4 weights",
        mb(gpuBytes.weights),
        `computed: the bytes of the bundle${stepMs.extrapolated ? `, ${mark}` : ""}`,
      ],
      [`GPU memory, keys and values of ${CANVAS} rows`, mb(gpuBytes.cache), "computed"],
      [`GPU memory, logits of ${BLOCK} rows`, mb(gpuBytes.logits), "computed"],
    ],
  };
}
