import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import type { Skip } from "./part.ts";
import { readXz } from "./xz.ts";

/** The collected text that the model is trained on, as training/corpus.py reads and splits it. */
const CORE = ["tinystories-fragments", "tinystories-more", "storybooks-ccby"];
const TALES = ["gutenberg-easy", "african-storybook-more-ccby", "fairytaleqa-stories"];

const WORLDS = fileURLToPath(new URL("../../training/fixtures/heldout_worlds.jsonl", import.meta.url));
const storySchema = v.object({ text: v.string() });

/** Held-out documents by group: those no training run sees, chosen by content. */
export type HeldOut = ReadonlyMap<"core" | "worlds", readonly string[]>;

/** One document in fifty, by content, is never trained on: `is_validation` of training/corpus.py. */
export function isHeldOut(document: string): boolean {
  return BigInt(`0x${createHash("sha1").update(document).digest("hex")}`) % 50n === 0n;
}

/** Documents of a collected file: separated by `<|endoftext|>`, stripped. */
export function splitDocuments(text: string): string[] {
  return text
    .split("<|endoftext|>")
    .map((document) => document.trim())
    .filter((document) => document !== "");
}

/**
 * Held-out documents, in the order of the files. Story worlds are a fixture; the collected stories may not be passed on
 * under this repository's licence and are read from the data folder, where there is one.
 *
 * @param data folder of the collected text
 */
export async function readHeldOut(
  data: string,
): Promise<{ readonly text: HeldOut; readonly missing: readonly Skip[] }> {
  const worlds = (await readFile(WORLDS, "utf8"))
    .trim()
    .split("\n")
    .map((line) => v.parse(storySchema, JSON.parse(line)).text);
  try {
    const core: string[] = [];
    for (const name of CORE) core.push(...(await documentsOf(data, name)).filter(isHeldOut));
    return { text: new Map([["core", core] as const, ["worlds", worlds] as const]), missing: [] };
  } catch (error) {
    const skipped = `collected stories are left out: ${error instanceof Error ? error.message : String(error)}`;
    return { text: new Map([["worlds", worlds]]), missing: [{ skipped }] };
  }
}

/** Everything collected that a model was trained on, a document at a time. @throws Error see xz.ts */
export async function* trainingDocuments(data: string): AsyncGenerator<string> {
  for (const name of [...CORE, ...TALES]) {
    for (const document of await documentsOf(data, name)) if (!isHeldOut(document)) yield document;
  }
}

async function documentsOf(data: string, name: string): Promise<string[]> {
  return splitDocuments(await readXz(join(data, `${name}.txt.xz`)));
}
