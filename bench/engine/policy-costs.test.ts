import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { QUIET_IO } from "../../src/cli/io/quiet-io.ts";
import { nodeFolder } from "../../src/convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { nodeTarget } from "../../src/convert/target/node-target.ts";
import { loadModel } from "../../src/runtime/open/load-model.ts";
import { nodePlatform } from "../../src/runtime/platform/platform-node.ts";
import { policyCosts } from "./policy-costs.ts";

const CHECKPOINT = fileURLToPath(new URL("../../src/convert/fixtures/a2d-qwen3-mdlm", import.meta.url));

test.each([
  ["mdlm", ["none", "prefix", "dual", "free", "vicinity", "suffix-drop", "partial", "region"]],
  ["bd3lm", ["none", "block"]],
])(
  "every cache that fits a model of the profile %s is measured, and only the exact one keeps every token",
  async (profile, names) => {
    const scratch = await mkdtemp(join(tmpdir(), "unmask-policies-"));
    try {
      const options = {
        dtypes: ["f32"],
        profile,
        name: profile,
        warn: () => {},
        progress: () => {},
      } as const;
      await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(scratch), options);
      const model = await loadModel(nodePlatform(), scratch, { threads: 1 }, () => {}, QUIET_IO.signal);
      const costs = await policyCosts(model, true, QUIET_IO).finally(() => model.denoiser.dispose());
      expect(costs.flatMap(({ cache }) => (typeof cache === "string" ? [cache] : []))).toEqual(names);
      const [none, ...others] = costs;
      for (const { forwards, rows } of others) {
        expect(forwards).toBe(none!.forwards);
        expect(rows).toBeLessThan(none!.rows);
      }
      expect(none!.agreement).toBe(1);
      if (profile === "bd3lm") expect(others[0]!.agreement).toBe(1);
    } finally {
      await rm(scratch, { recursive: true });
    }
  },
  120_000,
);
