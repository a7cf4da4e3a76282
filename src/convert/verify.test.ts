import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeFolder } from "./node-folder.ts";
import { verifyCheckpoint } from "./verify.ts";

const FIXTURES = join(import.meta.dirname, "fixtures");
const SHARED = join(import.meta.dirname, "../../../shared/checkpoints");

test.each(["a2d-qwen3-mdlm", "a2d-qwen2-mdlm", "a2d-qwen3-outlier"])(
  "%s: every build is within its gate of the golden logits",
  async (name) => {
    const cases = await verifyCheckpoint(nodeFolder(join(FIXTURES, name)), name);
    expect(cases.filter((entry) => !entry.pass)).toEqual([]);
    expect(cases.map((entry) => entry.dtype)).toContain("f16");
    if (name !== "a2d-qwen3-outlier") expect(cases.map((entry) => entry.scales)).toContain("f16");
  },
);

const absent = existsSync(SHARED) ? "" : " (skipped: ../shared/checkpoints is not here)";
describe.skipIf(absent !== "")(`the shared reference checkpoints${absent}`, () => {
  test.each([
    "a2d-qwen3-bd3lm",
    "sdar",
    "dream",
    "fast-dllm-v2",
    "llada",
    "modernbert-chat",
    "mdlm-dit",
    "bd3lm-dit",
  ])("%s", async (name) => {
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
