import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint, readJson } from "../checkpoint/checkpoint.ts";
import { nodeFolder } from "../checkpoint/node-folder.ts";
import { readFloats, readSafetensors } from "../checkpoint/safetensors.ts";
import { describeModel, planModel } from "../families/index.ts";
import { readShard } from "../graph/graph.ts";
import { openGraph } from "../graph/run-graph.ts";
import { compareLogits } from "../reference/compare-logits.ts";
import { readInput } from "../reference/golden-inputs.ts";
import { blockStyle } from "../weights/weights-blocks.ts";
import { floatStyle } from "../weights/weights-float.ts";
import { transformerGraph } from "./transformer-graph.ts";

const STYLES = { f32: floatStyle("f32"), q4: blockStyle({ bits: 4, scales: "f16", recipe: "search" }) };

test.each(["f32", "q4"] as const)("a %s block over cached rows equals the full forward", async (style) => {
  const checkpoint = await openCheckpoint(
    nodeFolder(join(import.meta.dirname, "../fixtures/a2d-qwen3-mdlm")),
  );
  const planned = await planModel(checkpoint, describeModel(checkpoint.config));
  const model = planned.facts;
  const options = { location: "d", masked: false, positions: 64 };
  const plan = transformerGraph(planned, STYLES[style], options);
  const data = [{ path: "d", data: await readShard(plan.shards[0]!) }];
  const kvWidth = model.kvHeads * model.headDim;
  const runner = await openGraph(plan.model, data, {
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

/** What golden.json says of an input that was run block by block. */
type Cached = Readonly<Record<string, { readonly row_ranges_of_the_calls: readonly [number, number][] }>>;

const SHARED = join(import.meta.dirname, "../../../../shared/checkpoints");
const absent = existsSync(SHARED) ? "" : " (../shared/checkpoints is not here)";
describe.skipIf(absent !== "")(`golden caches${absent}`, () => {
  test.each(["a2d-qwen3-bd3lm", "sdar", "fast-dllm-v2"])(
    "%s block by block: keys, values and logits are those of the reference",
    async (name) => {
      const folder = nodeFolder(join(SHARED, name));
      const checkpoint = await openCheckpoint(folder);
      const model = await planModel(checkpoint, describeModel(checkpoint.config, { profile: "bd3lm" }));
      const { layers, heads, kvHeads, headDim, vocab } = model.facts;
      const kvWidth = kvHeads * headDim;
      const plan = transformerGraph(model, STYLES.f32, { location: "d", masked: true, positions: 128 });
      const data = [{ path: "d", data: await readShard(plan.shards[0]!) }];
      const runner = await openGraph(plan.model, data, { layers, kvWidth, type: "f32" });
      const golden = await readSafetensors(await folder.open("golden.safetensors"), "golden.safetensors");
      const { cache } = (await readJson(folder, "golden.json")) as unknown as { cache: Cached }; // README of the cases
      for (const [input, { row_ranges_of_the_calls: calls }] of Object.entries(cache)) {
        const { ids, positions } = await readInput(golden, input, vocab);
        let past = Array.from({ length: 2 * layers }, () => new Float32Array(0));
        const logits: number[] = [];
        for (const [start, end] of calls) {
          const rows = ids.slice(start, end).map((_, row) => row);
          const here = { ids: ids.slice(start, end), positions: positions.slice(start, end), rows };
          // Blocks up to this one are all that is there.
          const bias = new Float32Array(rows.length * (heads / kvHeads) * end);
          const found = await runner.run({ ...here, bias, ...(start > 0 && { past }) });
          past = past.map((values, at) => Float32Array.from([...values, ...found.cache[at]!]));
          logits.push(...found.logits);
        }
        const expected = await readFloats(golden.get(`out.${input}.logits`)!);
        expect(compareLogits(Float32Array.from(logits), expected, vocab).rel).toBeLessThan(1e-5);
        for (let at = 0; at < past.length; at++) {
          const stored = await readFloats(
            golden.get(`cache.${input}.${at % 2 === 0 ? "key" : "value"}.${at >> 1}`)!,
          );
          // [kvHeads, S, headDim] to rows of all heads.
          const byRow = stored.map((_, i) => {
            const [row, rest] = [Math.floor(i / kvWidth), i % kvWidth];
            return stored[(Math.floor(rest / headDim) * ids.length + row) * headDim + (rest % headDim)]!;
          });
          expect(compareLogits(past[at]!, byRow, kvWidth).rel).toBeLessThan(1e-5);
        }
      }
      await runner.dispose();
    },
  );
});
