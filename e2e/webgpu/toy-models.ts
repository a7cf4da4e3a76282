import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { nodeFolder } from "../../src/convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { nodeTarget } from "../../src/convert/target/node-target.ts";

const CHECKPOINT = fileURLToPath(new URL("../../src/convert/fixtures/a2d-qwen3-mdlm", import.meta.url));
const PROFILES = { full: {}, blocks: { profile: "bd3lm" } } as const;

/** One tiny checkpoint as two models, with full and with block-causal attention. */
export interface ToyModels extends AsyncDisposable {
  /** Serves one of them to the page below `models/toy/`. */
  route(page: Page, model: keyof typeof PROFILES): Promise<void>;
}

export async function toyModels(): Promise<ToyModels> {
  const scratch = await mkdtemp(join(tmpdir(), "unmask-toys-"));
  for (const [name, profile] of Object.entries(PROFILES)) {
    const options = { dtypes: ["q4"], name, warn: () => {}, progress: () => {}, ...profile } as const;
    await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(join(scratch, name)), options);
  }
  return {
    async route(page, model) {
      await page.route("**/models/toy/**", async (route) => {
        const path = new URL(route.request().url()).pathname.split("/models/toy/")[1]!;
        await route.fulfill({ body: await readFile(join(scratch, model, path)) });
      });
    },
    [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }),
  };
}
