import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { createRunFinder } from "../stats/shared-run.ts";
import { trainingDocuments } from "./corpus.ts";

const worldSchema = v.object({ text: v.string() });

export type Copies = { readonly runs: readonly number[] } | { readonly skipped: string };

/** Words of the longest run that each text shares with any of the documents. */
export async function longestCopies(
  texts: readonly string[],
  documents: AsyncIterable<string>,
): Promise<Copies> {
  try {
    const finder = createRunFinder(texts.map(wordsOf));
    for await (const document of documents) finder.read(wordsOf(document));
    return { runs: finder.longest() };
  } catch (error) {
    return { skipped: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * @param data folder of the collected text
 * @param worlds JSON lines of `{text}`: the story worlds that were trained on
 */
export async function* trainingText(data: string, worlds: string | undefined): AsyncGenerator<string> {
  yield* trainingDocuments(data);
  if (worlds !== undefined) yield* worldStories(worlds);
}

export async function* worldStories(file: string): AsyncGenerator<string> {
  for (const line of (await readFile(file, "utf8")).trim().split("\n")) {
    yield v.parse(worldSchema, JSON.parse(line)).text;
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}
