import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { openCompanion } from "../../src/companion/open-companion.ts";
import { TWIN_FILE, TWIN_FOLDER } from "../eval/twin.ts";
import type { CompanionTwin } from "./duel.ts";

/**
 * The autoregressive twin of a folder in the layout of transformers.js; undefined where there is none.
 *
 * @param folder `--companion`
 * @throws UnmaskError when it is there and does not load
 */
export async function openCompanionTwin(
  folder: unknown,
): Promise<(CompanionTwin & AsyncDisposable) | undefined> {
  const model = typeof folder === "string" ? resolve(folder) : TWIN_FOLDER;
  const graph = await readFile(join(model, TWIN_FILE)).catch(() => undefined);
  if (graph === undefined) return undefined;
  const open = await openCompanion({ model, threads: 1 });
  return {
    companion: open.companion,
    identity: createHash("sha256").update(graph).digest("hex").slice(0, 16),
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  };
}
