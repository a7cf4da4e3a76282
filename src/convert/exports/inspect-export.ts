import { isUnmaskError } from "../../core/errors.ts";
import type { CheckpointFolder } from "../checkpoint/byte-source.ts";
import type { Hints } from "../families/index.ts";
import { type Inspection, missingTokens } from "../inspect.ts";
import { readExport } from "./export-folder.ts";

/**
 * What the exports of a folder are: the heads of graphs are read, weights are not. Graphs of another kind are a finding,
 * not an error; a broken file is an error.
 *
 * @throws UnmaskError as `readExport`
 */
export async function inspectExport(
  folder: CheckpointFolder,
  graphs: CheckpointFolder,
  hints: Hints & { readonly mask?: number | undefined } = {},
): Promise<Inspection> {
  try {
    const found = await readExport(folder, graphs, { repository: folder.name, ...hints });
    const { tokens, missing } = await missingTokens(folder, () => found.tokens());
    const { family, vocab, attention, logitsShift } = found.facts;
    const listed = found.graphs.map(({ file, dtype, graph, bytes }) => {
      return { file, dtype, vocab: graph.vocab, masked: graph.masked, bytes };
    });
    const facts = { family, vocab, attention, logitsShift, graphs: listed };
    return {
      kind: "export",
      runnable: true,
      facts: { ...facts, ...(tokens && { mask: tokens.mask, eos: tokens.eos }) },
      warnings: missing,
    };
  } catch (error) {
    if (!isUnmaskError(error) || error.code !== "checkpoint-unsupported") throw error;
    return { kind: "export", runnable: false, reason: error.message, facts: { family: null }, warnings: [] };
  }
}
