import { type Canvas, countMasks, MASKED } from "../strategies/canvas.ts";
import type { StepEvent } from "../strategies/decode.ts";
import { copyOf, type Part, type Session } from "./session.ts";

type Changes = Pick<StepEvent, "commits" | "remasks" | "overwrites" | "inserts" | "deletes">;

const NOTHING: Changes = { commits: [], remasks: [], overwrites: [], inserts: [], deletes: [] };

/**
 * Turns the canvas that was told so far into that of another text, by events of its own: a search that takes up another
 * text is told as a step that takes back and writes what is different. The events of a search therefore fold like those
 * of a run.
 */
export function* turnTo(session: Session, to: Canvas): Part<void> {
  const [from, cells] = [session.shown.ids.length, to.ids.length];
  if (cells > from) {
    yield* turn(session, { ...NOTHING, inserts: [{ at: from, n: cells - from }] }, grown(session.shown, to));
  }
  const cuts = cells < from ? [{ at: cells, n: from - cells }] : [];
  const changes = { ...difference(session.shown, to), deletes: cuts };
  if (Object.values(changes).some((list) => list.length > 0)) yield* turn(session, changes, to);
  if (cells !== from) yield { type: "length", step: session.step - 1, from, to: cells, why: "another text" };
}

function* turn(session: Session, changes: Changes, after: Canvas): Part<void> {
  session.shown = copyOf(after);
  const { nfe, candidate } = session;
  yield {
    type: "step",
    step: session.step++,
    nfe,
    ...changes,
    masksLeft: countMasks(after),
    ...(candidate === undefined ? {} : { candidate }),
  };
}

/** `from` with masks behind it, as long as `to`. */
function grown(from: Canvas, to: Canvas): Canvas {
  const { length } = from.ids;
  const canvas = copyOf(to);
  canvas.ids.set(from.ids);
  canvas.kinds.set(from.kinds);
  canvas.kinds.fill(MASKED, length);
  return canvas;
}

/** How the cells that both have become those of `to`. */
function difference(from: Canvas, to: Canvas): Changes {
  const commits: { row: number; id: number; conf: null; reason: "search" }[] = [];
  const remasks: { row: number }[] = [];
  const overwrites: { row: number; id: number }[] = [];
  for (let row = 0; row < Math.min(from.ids.length, to.ids.length); row++) {
    const [was, is] = [from.kinds[row] === MASKED, to.kinds[row] === MASKED];
    const id = to.ids[row]!;
    if (was && !is) commits.push({ row, id, conf: null, reason: "search" });
    else if (is && !was) remasks.push({ row });
    else if (id !== from.ids[row]) overwrites.push({ row, id });
  }
  return { ...NOTHING, commits, remasks, overwrites };
}
