import { join } from "node:path";
import { expect, test } from "vitest";
import { openCheckpoint } from "./checkpoint.ts";
import { compareLogits } from "./compare-logits.ts";
import { describeModel, planModel } from "./families/index.ts";
import { readShard } from "./graph.ts";
import { nodeFolder } from "./node-folder.ts";
import { openGraph } from "./run-graph.ts";
import { transformerGraph } from "./transformer-graph.ts";
import { blockStyle } from "./weights-blocks.ts";
import { floatStyle } from "./weights-float.ts";

const STYLES = { f32: floatStyle("f32"), q4: blockStyle({ bits: 4, scales: "f16", recipe: "search" }) };

test.each(["f32", "q4"] as const)("a %s block over cached rows equals the full forward", async (style) => {
  const checkpoint = await openCheckpoint(nodeFolder(join(import.meta.dirname, "fixtures/a2d-qwen3-mdlm")));
  const planned = await planModel(checkpoint, describeModel(checkpoint.config));
  const model = planned.facts;
  const options = { location: "d", masked: false, positions: 64 };
  const plan = transformerGraph(planned, STYLES[style], options);
  const data = [{ path: "d", data: await readShard(plan.shards[0]!) }];
  const kvWidth = model.kvHeads * model.headDim;
  const runner = await openGraph(await import("onnxruntime-web"), plan.model, data, {
    layers: model.layers,
    kvWidth,
    type: "f32",
  });
  const ids = Array.from({ length: 40 }, (_, i) => (i * 37) % 300);
  const rows = ids.map((_, i) => i);
  const full = await runner.run({ ids, positions: rows, rows });

  // The active block is rows 10..20; the cache holds the others, in another order, as the runtime keeps them.
  const active = rows.slice(10, 20);
  const kept = rows.filter((row) => !active.includes(row)).reverse();
  const past = full.cache.map((values) =>
    Float32Array.from({ length: kept.length * kvWidth }, (_, at) => {
      return values[kept[Math.floor(at / kvWidth)]! * kvWidth + (at % kvWidth)]!;
    }),
  );
  const block = await runner.run({
    ids: active.map((row) => ids[row]!),
    positions: active,
    rows: [0, 3, 9],
    past,
  });
  const expected = [10, 13, 19].flatMap((row) => [
    ...full.logits.subarray(row * model.vocab, (row + 1) * model.vocab),
  ]);
  expect(compareLogits(block.logits, Float32Array.from(expected), model.vocab).rel).toBeLessThan(1e-5);
  await runner.dispose();
});
