import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import { nodeFolder } from "./checkpoint/node-folder.ts";
import { readFloats, readSafetensors } from "./checkpoint/safetensors.ts";
import { describeModel, planModel } from "./families/index.ts";
import { compareLogits } from "./reference/compare-logits.ts";
import { referenceForward, wholeMatrices } from "./reference/reference.ts";
import { verifyCheckpoint } from "./verify.ts";

const FIXTURES = join(import.meta.dirname, "fixtures");
const SHARED = join(import.meta.dirname, "../../../shared/checkpoints");

test.each([
  "a2d-qwen3-mdlm",
  "a2d-qwen2-mdlm",
  "a2d-qwen3-outlier",
  "llada",
  "modernbert-chat",
  "mdlm-dit",
  "sdar",
  "sdar-odd",
])(
  "%s: every build is within its gate of the golden logits, or of the float64 forward",
  async (name) => {
    const cases = await verifyCheckpoint(nodeFolder(join(FIXTURES, name)), name);
    expect(cases.filter((entry) => !entry.pass)).toEqual([]);
    const builds = new Set(cases.map(({ dtype, scales = "none" }) => `${dtype}/${scales}`));
    expect([...builds]).toEqual(["f32/none", "f16/none", "q4/f32", "q4/f16", "q8/f32", "q8/f16"]);
  },
  180_000,
);

test("a folder of packed matrices alone is compared byte for byte, and by its products", async () => {
  const cases = await verifyCheckpoint(nodeFolder(join(FIXTURES, "quant-edge")), "quant-edge");
  expect(cases.filter((entry) => !entry.pass)).toEqual([]);
  expect(cases.map((entry) => entry.against)).toContain("packed");
  expect(cases.length).toBeGreaterThan(20);
});

test("the float64 forward gives the golden logits of unquantised weights", async () => {
  const golden = await readSafetensors(
    await nodeFolder(join(FIXTURES, "modernbert-chat")).open("golden.safetensors"),
    "golden.safetensors",
  );
  const checkpoint = await openCheckpoint(nodeFolder(join(FIXTURES, "modernbert-chat")));
  const model = await planModel(checkpoint, describeModel(checkpoint.config));
  const entry = golden.get("in.L33.input_ids")!;
  const bytes = await entry.source.read(entry.offset, entry.bytes);
  const ids = Array.from(new BigInt64Array(bytes.buffer), Number);
  const input = { ids, positions: ids.map((_, row) => row) };
  const logits = await referenceForward(
    model,
    input,
    wholeMatrices((matrix) => matrix.load()),
  );
  const expected = await readFloats(golden.get("out.L33.logits")!);
  expect(compareLogits(Float32Array.from(logits), expected, model.facts.vocab).rel).toBeLessThan(5e-6);
});

const absent = existsSync(SHARED) ? "" : " (../shared/checkpoints is not here)";
describe.skipIf(absent !== "")(`the shared reference checkpoints${absent}`, () => {
  test.each(["fast-dllm-v2", "bd3lm-dit"])("%s", async (name) => {
    const cases = await verifyCheckpoint(nodeFolder(join(SHARED, name)), name);
    expect(cases.length).toBeGreaterThan(0);
    expect(cases.filter((entry) => !entry.pass)).toEqual([]);
  });

  test.each(["ok-base", "ok-extra-tensors", "ok-unaligned-header", "ok-lm-head-differs", "proto-keys"])(
    "malformed/%s is unusual but right",
    async (name) => {
      const cases = await verifyCheckpoint(nodeFolder(join(SHARED, "malformed", name)), name);
      expect(cases.filter((entry) => !entry.pass)).toEqual([]);
    },
  );
});
