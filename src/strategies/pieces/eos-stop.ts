import type { Commit } from "../../core/events.ts";
import { MASKED } from "../canvas.ts";
import type { Step, StopEdit, StopRule } from "../strategy.ts";

/**
 * Ends a plain continuation at its end-of-text token: once an EOS stands in the canvas and every cell left of it is
 * filled, the masks right of it become `padId`, and so do tokens that were committed there before.
 *
 * @param eosIds ids that end a text; an id that fills the tail may be one of them
 */
export function eosStop(eosIds: readonly number[], padId: number): StopRule {
  const stop = ({ state: { canvas, targets } }: Pick<Step, "state">): StopEdit | null => {
    const end = targets.findIndex((row) => canvas.kinds[row] === MASKED || eosIds.includes(canvas.ids[row]!));
    if (end < 0 || canvas.kinds[targets[end]!] === MASKED) return null;
    const commits: Commit[] = [];
    const overwrites: { row: number; id: number }[] = [];
    for (const row of targets.subarray(end + 1)) {
      const id = canvas.ids[row]!;
      if (canvas.kinds[row] === MASKED) commits.push({ row, id: padId, conf: null, reason: "fill" });
      else if (id !== padId && !eosIds.includes(id)) overwrites.push({ row, id: padId });
    }
    return { commits, overwrites, reason: "eos" };
  };
  return { stop };
}
