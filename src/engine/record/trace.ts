import * as v from "valibot";
import { UnmaskError } from "../../core/errors.ts";
import { COMMIT_REASONS, type GenerateEvent, type Trace } from "../../core/events.ts";

/** The canvas after a step. */
export interface TraceFrame {
  /** Steps applied: 0 is the canvas of `start`. */
  readonly position: number;
  readonly nfe: number;
  readonly ids: readonly number[];
  readonly masksLeft: number;
}

/**
 * Folds events over the canvas of `start`: one frame for `start`, one for each step. Within a step the order is
 * commits, remasks, overwrites, inserts, deletes.
 *
 * @throws UnmaskError `trace-invalid` when there is no `start`, a row is outside the canvas of its step, or the frames
 *   together would hold more cells than a timeline may
 */
export function foldTrace(events: readonly GenerateEvent[]): readonly TraceFrame[] {
  const frames: TraceFrame[] = [];
  let maskId = -1;
  let cells = 0;
  for (const event of events) {
    if (event.type === "start") {
      if (frames.length > 0) throw invalid("it starts twice");
      maskId = event.maskId;
      frames.push(frameOf(0, 0, [...event.canvas], maskId));
    } else if (event.type === "step") {
      const last = frames.at(-1);
      if (last === undefined) throw invalid("a step comes before the start");
      cells += last.ids.length;
      if (cells > MAX_CELLS) throw invalid(`its canvases hold more than ${MAX_CELLS} cells`);
      frames.push(frameOf(last.position + 1, event.nfe, applyStep(last.ids, event, maskId), maskId));
    }
  }
  if (frames.length === 0) throw invalid("it has no start event");
  return frames;
}

function frameOf(position: number, nfe: number, ids: readonly number[], maskId: number): TraceFrame {
  let masksLeft = 0;
  for (const id of ids) if (id === maskId) masksLeft++;
  return { position, nfe, ids, masksLeft };
}

/** The canvas after a step: commits, remasks, overwrites, inserts, deletes, in that order. @throws UnmaskError `trace-invalid` */
export function applyStep(
  before: readonly number[],
  step: Extract<GenerateEvent, { type: "step" }>,
  maskId: number,
): readonly number[] {
  const ids = [...before];
  const put = (row: number, id: number): void => {
    if (row >= ids.length) throw invalid(`step ${step.step} writes row ${row} of ${ids.length}`);
    ids[row] = id;
  };
  for (const { row, id } of step.commits) put(row, id);
  for (const { row } of step.remasks) put(row, maskId);
  for (const { row, id } of step.overwrites) put(row, id);
  for (const { at, n } of step.inserts) {
    if (at > ids.length || ids.length + n > MAX_CANVAS)
      throw invalid(`step ${step.step} inserts ${n} at ${at}`);
    ids.splice(at, 0, ...new Array<number>(n).fill(maskId));
  }
  for (const { at, n } of step.deletes) {
    if (at + n > ids.length) throw invalid(`step ${step.step} deletes ${n} at ${at}`);
    ids.splice(at, n);
  }
  return ids;
}

const VERSION = 1;
/** Of a trace file: far above any real recording, and little enough to be parsed at once. */
export const MAX_TRACE_BYTES: number = 32 * 2 ** 20;
const MAX_CANVAS = 65_536;
const MAX_EVENTS = 200_000;
/** Cells over all frames of a trace: what a timeline holds in memory. */
const MAX_CELLS = 16_777_216;
const MAX_TEXT = 1_000_000;
/** Texts of a search: more than 64 rounds of 64. */
const MAX_CANDIDATES = 4200;
/** Each insert or delete moves the rest of the canvas. */
const MAX_EDITS = 256;

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const row = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_CANVAS - 1));
const size = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_CANVAS));
const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1));
const ms = v.exactOptional(v.pipe(v.number(), v.finite()));
const span = v.pipe(v.number(), v.finite(), v.minValue(0));
const time = v.exactOptional(
  v.object({ upload: span, run: span, readback: span, decide: span, display: span }),
);
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const list = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.maxLength(MAX_CANVAS));
const ids = list(id);
const piece = v.union([
  v.pipe(v.string(), v.maxLength(1024)),
  v.pipe(v.array(v.number()), v.maxLength(1024)),
]);
const pieces = v.exactOptional(v.record(v.pipe(v.string(), v.regex(/^\d{1,10}$/)), piece));
const edits = v.pipe(v.array(v.object({ at: size, n: size })), v.maxLength(MAX_EDITS));

const number = v.pipe(v.number(), v.finite());
const candidate = v.exactOptional(count);
const search = v.exactOptional(
  v.object({
    method: text,
    best: count,
    candidates: v.pipe(
      v.array(v.object({ seed: count, score: number, text, tokens: ids })),
      v.maxLength(MAX_CANDIDATES),
    ),
    votes: v.exactOptional(list(v.object({ answer: text, weight: number, steps: count }))),
  }),
);

const eventSchema = v.variant("type", [
  v.object({
    type: v.literal("start"),
    canvas: ids,
    maskId: id,
    promptLen: size,
    gaps: list(v.tuple([size, size])),
    recipe: v.unknown(),
    seed: count,
    pieces,
  }),
  v.object({
    type: v.literal("forward"),
    step: count,
    nfe: count,
    rows: count,
    kvRows: count,
    batch: count,
    runs: v.exactOptional(count),
    apart: v.exactOptional(v.pipe(v.string(), v.maxLength(1024))),
    candidate,
    ms,
  }),
  v.object({
    type: v.literal("step"),
    step: count,
    nfe: count,
    commits: list(
      v.object({
        row,
        id,
        conf: v.nullable(v.pipe(v.number(), v.finite())),
        reason: v.picklist(COMMIT_REASONS),
      }),
    ),
    remasks: list(v.object({ row })),
    overwrites: list(v.object({ row, id })),
    inserts: edits,
    deletes: edits,
    masksLeft: count,
    candidate,
    pieces,
    ms,
    time,
  }),
  v.object({ type: v.literal("length"), step: count, from: count, to: count, why: text }),
  v.object({ type: v.literal("cache"), step: count, scope: v.picklist(["all", "rows"]), why: text }),
  v.object({
    type: v.literal("done"),
    reason: v.picklist(["complete", "eos", "aborted"]),
    nfe: count,
    rows: count,
    branchNfe: v.exactOptional(count),
    steps: count,
    effectiveTokens: count,
    tokens: ids,
    text: v.exactOptional(text),
    doubts: v.exactOptional(list(v.object({ row, flip: share, osc: share }))),
    instability: v.exactOptional(share),
    filled: v.exactOptional(list(text)),
    search,
    ms,
  }),
]);

const traceSchema = v.object({
  schema: v.literal(VERSION),
  model: v.pipe(v.string(), v.maxLength(1024)),
  recipe: v.unknown(),
  seed: count,
  prompt: v.object({ text, ids }),
  events: v.pipe(v.array(eventSchema), v.minLength(1), v.maxLength(MAX_EVENTS)),
});

/**
 * Parses the content of a `.unmask.json` file from anywhere: sizes are capped, and folding the result is safe.
 *
 * @throws UnmaskError `trace-invalid` naming the first field that does not fit
 */
export function parseTrace(value: unknown): Trace {
  checkVersion(value);
  checkSize(value);
  const result = v.safeParse(traceSchema, value, { abortEarly: true });
  if (!result.success) {
    const issue = result.issues[0];
    throw invalid(`${v.getDotPath(issue) ?? "the document"}: ${issue.message.slice(0, 200)}`);
  }
  const trace: Trace = result.output;
  const last = trace.events.at(-1);
  if (trace.events[0]?.type !== "start" || last?.type !== "done") {
    throw invalid("its events must begin with start and end with done");
  }
  foldTrace(trace.events);
  return trace;
}

/** A newer version is refused by its number: what else is in it may well be valid. */
function checkVersion(value: unknown): void {
  const schema = (value as { readonly schema?: unknown } | null)?.schema;
  if (typeof schema !== "number" || schema === VERSION) return;
  const message = `This recording has version ${schema}, and this Unmask reads version ${VERSION}.`;
  throw new UnmaskError("trace-invalid", message, { detail: { schema } });
}

/** Refuses what would cost too much before any element is looked at. */
function checkSize(value: unknown): void {
  const events = (value as { readonly events?: unknown } | null)?.events;
  if (!Array.isArray(events)) return;
  if (events.length > MAX_EVENTS) throw invalid(`it has ${events.length} events`);
  const start = events[0] as { readonly canvas?: unknown } | null;
  const cells = Array.isArray(start?.canvas) ? start.canvas.length : 0;
  if (cells * events.length > MAX_CELLS) throw invalid(`it has ${events.length} events of ${cells} cells`);
}

function invalid(why: string): UnmaskError {
  return new UnmaskError("trace-invalid", `This is not a valid trace: ${why}.`);
}
