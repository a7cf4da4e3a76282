import type { GenerateEvent, SearchReport } from "../../core/events.ts";
import type { ForwardRequest, RowStats } from "../../core/types.ts";
import type { LaneRequest, Session } from "../../search/session.ts";
import type { SearchTally } from "../../search/texts.ts";
import type { Canvas } from "../../strategies/canvas.ts";
import { costOf } from "../../strategies/forward.ts";
import { DOUBTFUL, type DoubtWatch } from "../../strategies/pieces/doubts.ts";
import type { Result } from "./result.ts";

/** Parts of a run's events. */

/** What the watch says against the result; nothing where no cell was looked at often enough. */
export function doubtsOf(
  watch: DoubtWatch,
  canvas: Canvas,
): Pick<Extract<GenerateEvent, { type: "done" }>, "doubts" | "instability"> {
  const all = watch.judge(canvas);
  if (all.length === 0) return {};
  const doubts = all.filter(({ osc }) => osc >= DOUBTFUL);
  const instability = all.reduce((sum, { osc }) => sum + osc, 0) / all.length;
  return { instability, ...(doubts.length === 0 ? {} : { doubts }) };
}

/** Everything stored before is dropped, and something is stored anew. */
export function isRefresh({ kv }: ForwardRequest): boolean {
  return kv !== null && kv.readRows.length === 0 && kv.writeRows.length > 0;
}

type Forward = Extract<GenerateEvent, { type: "forward" }>;

/**
 * The events of forwards that were asked for at once, of which the first answer knows how they were computed.
 *
 * @param alone why the texts of a search do not go on together
 */
export function forwardEvents(
  step: number,
  asked: readonly LaneRequest[],
  answers: readonly RowStats[],
  { nfe }: Pick<Session, "nfe">,
  alone: string | undefined,
): readonly Forward[] {
  const { runs, apart = alone } = answers[0]?.batch ?? {};
  let before = nfe;
  return asked.map(({ request, candidate }, i) => {
    const report = {
      ...(runs === undefined ? {} : { runs: i === 0 ? runs : 0 }),
      ...(i > 0 || apart === undefined ? {} : { apart }),
    };
    const event = forwardEvent(step, request, { nfe: before, candidate }, report);
    before = event.nfe;
    return event;
  });
}

/** The session counts a forward when it receives the answer, which is after this event. */
function forwardEvent(
  step: number,
  request: ForwardRequest,
  { nfe, candidate }: Pick<Session, "nfe" | "candidate">,
  report: Pick<Forward, "runs" | "apart">,
): Forward {
  const { canvases, kv, repeats } = request;
  const cost = costOf(request);
  return {
    type: "forward",
    step,
    nfe: nfe + cost.nfe,
    rows: cost.rows,
    kvRows: repeats === true ? 0 : canvases.length * (kv?.readRows.length ?? 0),
    batch: canvases.length,
    ...report,
    ...(candidate === undefined ? {} : { candidate }),
  };
}

/** What a search found, as text. */
export function reportOf(
  { method, best, candidates, votes }: SearchTally,
  read: (canvas: Canvas) => Result,
): SearchReport {
  return {
    method,
    best,
    candidates: candidates.map(({ seed, score, canvas }) => {
      const { text, tokens } = read(canvas);
      return { seed, score, text, tokens };
    }),
    ...(votes === undefined ? {} : { votes }),
  };
}
