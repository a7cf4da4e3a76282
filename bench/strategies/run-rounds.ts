import { groupBy } from "../harness/group-by.ts";
import { type Lab, runUnits } from "../harness/lab.ts";
import type { Round } from "./duel.ts";
import type { Outcome } from "./summary.ts";

/**
 * The outcomes of all rounds that are whole, and of a canvas that has none yet those of the tasks that all contestants are
 * done with.
 *
 * @param isOver asked before each response that the journal does not have
 */
export async function runRounds(
  rounds: readonly Round[],
  canvases: readonly number[],
  lab: Lab,
  isOver: () => boolean,
): Promise<{ readonly outcomes: readonly Outcome[]; readonly counts: ReadonlyMap<number, number> }> {
  const outcomes: Outcome[] = [];
  const counts = new Map(canvases.map((canvas) => [canvas, 0]));
  for (const { canvas, contestants, units } of rounds) {
    const found = await runUnits(units, lab, isOver);
    const isWhole = found.length === units.length;
    const before = counts.get(canvas)!;
    if (isWhole) {
      counts.set(canvas, before + 1);
      outcomes.push(...found);
    } else if (before === 0 && !outcomes.some((outcome) => outcome.canvas === canvas)) {
      const byTask = [...groupBy(found, ({ task }) => task).values()];
      outcomes.push(...byTask.filter((list) => list.length === contestants).flat());
    }
  }
  return { outcomes, counts };
}
