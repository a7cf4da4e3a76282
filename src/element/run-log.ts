import type { GenerateEvent, Trace } from "../core/events.ts";
import type { Piece } from "../core/types.ts";

type StartEvent = Extract<GenerateEvent, { type: "start" }>;
type StepEvent = Extract<GenerateEvent, { type: "step" }>;
type DoneEvent = Extract<GenerateEvent, { type: "done" }>;

/** A trace without its events. */
export type RunAbout = Pick<Trace, "model" | "recipe" | "seed" | "prompt">;

const NOTHING: RunAbout = { model: "", recipe: null, seed: 0, prompt: { text: "", ids: [] } };

/** One canvas row as the sheet needs it. `born` is the position (1 = first step) that last wrote the cell. */
export interface Cell {
  id: number;
  conf: number | null;
  born: number;
  /** Row that the user wrote (prompt or text around a gap). */
  given: boolean;
  /** Position at which the cell was taken back to a mask, 0 when it never was. */
  taken: number;
  /** The result says that the model wavered over this token. */
  wavering: boolean;
}

/** The canvas after `position` steps; position 0 is the canvas of `start`. */
export interface Frame {
  readonly position: number;
  readonly cells: readonly Cell[];
  readonly maskId: number;
  readonly masksLeft: number;
  readonly nfe: number;
  readonly ms: number;
  /** Tokens committed so far. */
  readonly committed: number;
  /** What is written may still change: the recipe remasks, or a token was taken back already. */
  readonly revising: boolean;
}

/** One column of a timeline. */
export interface StepSummary {
  readonly commits: number;
  readonly remasks: number;
  /** Mean confidence of the commits; `null` when none is known. */
  readonly conf: number | null;
  readonly lengthChange: boolean;
  /** Where its time went. */
  readonly time?: StepEvent["time"];
}

/**
 * The events of one generation, and the canvas at any step of it. The newest canvas is kept and patched by each event;
 * an older one is folded again from the start, which for hundreds of steps takes well under a millisecond.
 */
export class RunLog {
  readonly events: GenerateEvent[] = [];
  readonly pieces: Map<number, Piece> = new Map();
  readonly steps: StepSummary[] = [];
  done: DoneEvent | undefined;
  #about: RunAbout;
  #start: StartEvent | undefined;
  #head: Frame | undefined;
  #lengthChanged = false;

  /** @param about what is known before the first event; `start` tells the rest */
  constructor(about: Partial<RunAbout> = {}) {
    const { model, recipe, seed, prompt } = { ...NOTHING, ...about };
    this.#about = { model, recipe, seed, prompt };
  }

  /** Everything needed to replay the run; undefined before `start`. */
  get trace(): Trace | undefined {
    if (this.#start === undefined) return undefined;
    return { schema: 1, ...this.#about, events: [...this.events] };
  }

  get start(): StartEvent | undefined {
    return this.#start;
  }

  push(event: GenerateEvent): void {
    this.events.push(event);
    if (event.type === "start") {
      this.#learn(event.pieces);
      this.#start = event;
      const { recipe, seed, canvas, promptLen } = event;
      const prompt = { text: this.#about.prompt.text, ids: canvas.slice(0, promptLen) };
      this.#about = { ...this.#about, recipe, seed, prompt };
      this.#head = firstFrame(event);
    } else if (event.type === "step") {
      this.#learn(event.pieces);
      if (this.#head !== undefined) this.#head = applyStep(this.#head, event);
      this.steps.push(summarise(event, this.#lengthChanged));
      this.#lengthChanged = false;
    } else if (event.type === "length") {
      this.#lengthChanged = true;
    } else if (event.type === "done") {
      this.done = event;
      for (const { row } of event.doubts ?? []) {
        const cell = this.#head?.cells[row];
        if (cell !== undefined) cell.wavering = true;
      }
    }
  }

  /** The canvas after `position` steps, clamped to what has happened; undefined before `start`. */
  frame(position: number = this.steps.length): Frame | undefined {
    if (this.#start === undefined || position >= this.steps.length) return this.#head;
    let frame = firstFrame(this.#start);
    for (const event of this.events) {
      if (frame.position >= position) break;
      if (event.type === "step") frame = applyStep(frame, event);
    }
    return frame;
  }

  #learn(pieces: StartEvent["pieces"]): void {
    for (const [id, piece] of Object.entries(pieces ?? {})) this.pieces.set(Number(id), piece);
  }
}

function firstFrame(start: StartEvent): Frame {
  const cells = start.canvas.map((id, row) =>
    cellOf(id, row < start.promptLen || !start.gaps.some(([from, to]) => row >= from && row < to)),
  );
  return {
    position: 0,
    cells,
    maskId: start.maskId,
    masksLeft: cells.filter((cell) => cell.id === start.maskId).length,
    nfe: 0,
    ms: 0,
    committed: 0,
    revising: remasks(start.recipe),
  };
}

/** Applies commits, remasks, overwrites, inserts, deletes in that order. Cells are patched in place: frames are a line. */
function applyStep(frame: Frame, event: StepEvent): Frame {
  const cells = frame.cells as Cell[];
  const position = frame.position + 1;
  const { maskId } = frame;
  const change = (row: number, to: Partial<Cell>): void => {
    const cell = cells[row];
    if (cell !== undefined) Object.assign(cell, to);
  };
  for (const { row, id, conf } of event.commits) change(row, { id, conf, born: position, taken: 0 });
  for (const { row } of event.remasks) change(row, { id: maskId, conf: null, born: 0, taken: position });
  for (const { row, id } of event.overwrites) change(row, { id, conf: null, born: position, taken: 0 });
  for (const { at, n } of event.inserts) {
    cells.splice(at, 0, ...Array.from({ length: n }, () => cellOf(maskId, false)));
  }
  for (const { at, n } of event.deletes) cells.splice(at, n);
  return {
    position,
    cells,
    maskId,
    masksLeft: event.masksLeft,
    nfe: event.nfe,
    ms: event.ms ?? frame.ms,
    committed: frame.committed + written(event).length,
    revising: frame.revising || event.remasks.length > 0,
  };
}

function remasks(recipe: unknown): boolean {
  return typeof recipe === "object" && recipe !== null && "remask" in recipe && Boolean(recipe.remask);
}

function cellOf(id: number, given: boolean): Cell {
  return { id, conf: null, born: 0, given, taken: 0, wavering: false };
}

/** Commits the model made; a stop rule's filling of the tail with padding is none. */
function written(event: StepEvent): StepEvent["commits"] {
  return event.commits.filter(({ reason }) => reason !== "fill");
}

function summarise(event: StepEvent, lengthChange: boolean): StepSummary {
  const commits = written(event);
  const known = commits.flatMap(({ conf }) => (conf === null ? [] : [conf]));
  return {
    commits: commits.length,
    remasks: event.remasks.length,
    conf: known.length === 0 ? null : known.reduce((sum, conf) => sum + conf, 0) / known.length,
    lengthChange: lengthChange || event.inserts.length > 0 || event.deletes.length > 0,
    ...(event.time && { time: event.time }),
  };
}
