import type { ForwardRequest, RowStats } from "../core/types.ts";
import type { Canvas } from "../strategies/canvas.ts";
import type { DecodeOutput, LengthEvent, StepEvent } from "../strategies/decode.ts";
import { costOf } from "../strategies/forward.ts";
import type { DecodeState, ModelTraits, Rng, Strategy } from "../strategies/strategy.ts";

/**
 * What a search hands out. Everything a decoder does, several forwards that do not wait for each other, and questions about texts, which it knows nothing of: `score`
 * wants a number for each canvas, `read` the answer that stands in it.
 */
export type SearchOutput =
  | DecodeOutput
  | { readonly type: "requests"; readonly step: number; readonly requests: readonly LaneRequest[] }
  | { readonly type: "score"; readonly canvases: readonly Canvas[] }
  | { readonly type: "read"; readonly canvases: readonly Canvas[] };

/** A forward of one of several texts that are written side by side. */
export interface LaneRequest {
  /** Undefined in a run of its own. */
  readonly candidate: number | undefined;
  readonly request: ForwardRequest;
}

/** Statistics for a request or for each of several, scores, answers, and nothing for an event. */
export type SearchAnswer =
  | RowStats
  | readonly RowStats[]
  | readonly number[]
  | readonly (string | null)[]
  | undefined;

/** A part of a search that runs within it. */
export type Part<T> = Generator<SearchOutput, T, SearchAnswer>;

/** What is searched with. */
export interface SearchSetting {
  readonly strategy: Strategy;
  readonly traits: ModelTraits;
  /** A run before its first step; every text begins with a copy of it. */
  readonly start: DecodeState;
  readonly seed: number;
  /** The randomness of a run with this seed. */
  rngOf(seed: number): Rng;
  /** Ids that stand for no text: ends and padding. */
  readonly blank: readonly number[];
}

/** Where a search stands: what it has cost, and the canvas that its events have told so far. */
export interface Session extends SearchSetting {
  nfe: number;
  branchNfe: number;
  rows: number;
  step: number;
  shown: Canvas;
  /** Which text is being written; tells events apart. Undefined in a run of its own. */
  candidate: number | undefined;
  /** Forwards that ask for what the last one computed share its logits. */
  shares: boolean;
  last: ForwardRequest | null;
  /** Texts that may be written side by side; 1: one after the other. */
  readonly lanes: number;
}

/** A search before its first forward, with nothing shown but the canvas it starts from. */
export function openSession(setting: SearchSetting, lanes = 1): Session {
  const { nfe, branchNfe, rows, step, canvas } = setting.start;
  return {
    ...setting,
    nfe,
    branchNfe,
    rows,
    step,
    shown: copyOf(canvas),
    candidate: undefined,
    shares: false,
    last: null,
    lanes,
  };
}

/** Has a forward run, and counts it. */
export function* ask(session: Session, request: ForwardRequest): Part<RowStats> {
  const isShared = session.shares && mayShare(session.last, request);
  const asked = isShared ? { ...request, repeats: true } : request;
  session.last = request;
  const stats = yield { type: "request", step: session.step, request: asked };
  count(session, asked);
  return stats as RowStats; // the driver answers a request with its statistics
}

/**
 * Has forwards run that do not wait for each other, together where texts go on together, and counts them.
 *
 * @param use gets the statistics of each request in their order; they last until the next forward
 */
export function* askEach(
  session: Session,
  requests: readonly ForwardRequest[],
  use: (stats: RowStats) => void,
): Part<void> {
  if (session.lanes === 1) {
    for (const request of requests) use(yield* ask(session, request));
    return;
  }
  const { step, candidate, lanes } = session;
  for (let at = 0; at < requests.length; at += lanes) {
    const some = requests.slice(at, at + lanes);
    const answers = yield {
      type: "requests",
      step,
      requests: some.map((request) => ({ candidate, request })),
    };
    for (const request of some) count(session, request);
    (answers as readonly RowStats[]).forEach(use); // the driver answers each request with its statistics
  }
}

function count(session: Session, request: ForwardRequest): void {
  const { nfe, branches, rows } = costOf(request);
  session.nfe += nfe;
  session.branchNfe += branches;
  session.rows += rows;
}

/** Whether a forward would compute the logits of the last one again. */
function mayShare(last: ForwardRequest | null, next: ForwardRequest): boolean {
  if (last === null || last.kv !== null || next.kv !== null) return false;
  const isPlain = [last, next].every(
    ({ drafts, guidance, signals }) =>
      drafts === undefined && guidance.kind === "none" && signals.klPrevious === undefined,
  );
  const isBlended = last.blend !== undefined;
  return (
    isPlain &&
    isBlended === (next.blend !== undefined) &&
    isSame(last.rows, next.rows) &&
    isSame(last.canvases[0]!, next.canvases[0]!)
  );
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Tells an event of a run whose canvas was the one shown; it counts on from what was told before. */
export function* tell(session: Session, event: StepEvent | LengthEvent, after: Canvas): Part<void> {
  if (event.type === "length") {
    yield { ...event, step: session.step - 1 };
    return;
  }
  session.shown = copyOf(after);
  const { nfe, candidate } = session;
  yield { ...event, step: session.step++, nfe, ...(candidate === undefined ? {} : { candidate }) };
}

export function copyOf(canvas: Canvas): Canvas {
  const { ids, kinds, slots, promptLen } = canvas;
  return { ids: ids.slice(), kinds: kinds.slice(), slots: slots.slice(), promptLen };
}
