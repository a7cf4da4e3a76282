import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { nodeFolder } from "../../src/convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { Dtype } from "../../src/convert/dtype.ts";
import type { Q4Extra } from "../../src/convert/q4-recipe.ts";
import { nodeTarget } from "../../src/convert/target/node-target.ts";

const CHECKPOINT = fileURLToPath(new URL("../../src/convert/fixtures/a2d-qwen3-mdlm", import.meta.url));

/** A bundle of a tiny random checkpoint in a temporary folder: a forward on a software GPU takes part of a second. */
export interface TinyBundle extends AsyncDisposable {
  readonly folder: string;
  /** Lets `page` find it at `models/tiny/`. */
  route(page: Page): Promise<void>;
}

export async function tinyBundle(dtypes: readonly Dtype[], q4: readonly Q4Extra[] = []): Promise<TinyBundle> {
  const scratch = await mkdtemp(join(tmpdir(), "unmask-e2e-"));
  const folder = join(scratch, "tiny");
  await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(folder), {
    dtypes,
    q4,
    name: "tiny",
    warn: () => {},
    progress: () => {},
  });
  return {
    folder,
    route: async (page) => {
      await page.route("**/models/tiny/**", async (route) => {
        const path = new URL(route.request().url()).pathname.split("/models/tiny/")[1]!;
        await route.fulfill({ body: await readFile(join(folder, path)) });
      });
    },
    [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }),
  };
}
