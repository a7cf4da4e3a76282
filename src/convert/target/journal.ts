import * as v from "valibot";
import type { BundleTarget } from "./bundle-target.ts";

/**
 * What a conversion has finished, one line a tensor, so that a killed one goes on where it stopped. A line is a claim:
 * the reader checks each against the hash of the file up to there, and takes the last that holds.
 */

const pieceEntry = v.strictObject({
  kind: v.literal("piece"),
  file: v.string(),
  piece: v.string(),
  /** Bytes of the file with this tensor as its last. */
  end: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** SHA-256 of those bytes. */
  prefix: v.string(),
});
/** Something about the source that is dear to find out again. */
const factEntry = v.strictObject({ kind: v.literal("fact"), name: v.string(), value: v.boolean() });
const entry = v.variant("kind", [pieceEntry, factEntry]);

export type PieceEntry = v.InferOutput<typeof pieceEntry>;
type Entry = v.InferOutput<typeof entry>;

export interface Journal {
  /** Finished tensors of one file by name; of one written twice the later. */
  pieces(file: string): ReadonlyMap<string, PieceEntry>;
  add(piece: Omit<PieceEntry, "kind">): Promise<void>;
  /** The fact from an earlier run, else what `find` finds. */
  fact(name: string, find: () => Promise<boolean>): Promise<boolean>;
}

export function openJournal(target: Pick<BundleTarget, "journal" | "note">): Journal {
  const entries = parseJournal(target.journal);
  const note = (item: Entry) => target.note(JSON.stringify(item));
  return {
    pieces: (file) => {
      const pieces = entries.filter((item) => item.kind === "piece").filter((item) => item.file === file);
      return new Map(pieces.map((item) => [item.piece, item]));
    },
    add: (piece) => note({ kind: "piece", ...piece }),
    async fact(name, find) {
      const known = entries.filter((item) => item.kind === "fact").find((item) => item.name === name);
      if (known !== undefined) return known.value;
      const value = await find();
      await note({ kind: "fact", name, value });
      return value;
    },
  };
}

/** Entries up to the first line that is none: the last may have been cut by whatever ended the run. */
export function parseJournal(lines: readonly string[]): Entry[] {
  const entries: Entry[] = [];
  for (const line of lines) {
    try {
      entries.push(v.parse(entry, JSON.parse(line)));
    } catch {
      break;
    }
  }
  return entries;
}
