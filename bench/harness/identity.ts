import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadedModel } from "../../src/runtime/load-model.ts";

/** Layers whose code decides what a model writes. */
const LAYERS = ["core", "math", "model", "cache", "constraints", "strategies", "engine", "runtime"];

/**
 * What every result depends on: the bundle's files and recipes, its variant, the runtime, and the code that decodes.
 * Commit filters are left to those who decode with them.
 * Journals keep results under it, so nothing measured with other code or weights is ever taken for this run's.
 */
export async function identityOf(
  { manifest, info }: LoadedModel,
  runtime: string,
): Promise<readonly string[]> {
  const { files, recipes, modes, tokens } = manifest;
  // Measurements name their recipes: what the bundle takes by default changes none of them.
  const { default: _default, ...named } = recipes;
  return [dataHash({ files, recipes: named, modes, tokens }), info.variant, runtime, await codeHash()];
}

/** Of plain data, 16 hexadecimal digits. */
export function dataHash(data: unknown): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 16);
}

async function codeHash(): Promise<string> {
  const root = fileURLToPath(new URL("../../src", import.meta.url));
  const hash = createHash("sha256");
  for (const layer of LAYERS) {
    const names = await readdir(join(root, layer), { recursive: true });
    for (const name of names.filter((file) => /(?<!\.test)\.ts$/.test(file)).sort()) {
      hash.update(`${layer}/${name}\n`).update(await readFile(join(root, layer, name)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}
