/** Recordings written by hand: for looks that a model cannot be made to show, and for files that mean harm. */

export function commit(row: number, id: number, conf: number): object {
  return { row, id, conf, reason: "best" };
}

/** @param at number of the step, from 1 on */
export function step(at: number, masksLeft: number, more: object): object {
  return {
    type: "step",
    step: at,
    nfe: at,
    commits: [],
    remasks: [],
    overwrites: [],
    inserts: [],
    deletes: [],
    masksLeft,
    ...more,
  };
}

/** A run on a canvas of `cells` cells: the first holds token 1, the prompt, the others are masks (token 0). */
export function traceOf(
  pieces: Readonly<Record<number, string | readonly number[]>>,
  cells: number,
  steps: readonly object[],
): { readonly schema: number; readonly events: unknown } & Record<string, unknown> {
  const recipe = { preset: "llada" };
  const canvas = [1, ...Array.from({ length: cells - 1 }, () => 0)];
  const start = {
    type: "start",
    canvas,
    maskId: 0,
    promptLen: 1,
    gaps: [[1, cells]],
    recipe,
    seed: 1,
    pieces,
  };
  const done = {
    type: "done",
    reason: "complete",
    nfe: steps.length,
    rows: 0,
    steps: steps.length,
    effectiveTokens: cells - 1,
    tokens: [],
  };
  const prompt = { text: String(pieces[1]), ids: [1] };
  return { schema: 1, model: "scripted", recipe, seed: 1, prompt, events: [start, ...steps, done] };
}

/** As a file input takes it. */
export function recordingFile(content: string): { name: string; mimeType: string; buffer: Buffer } {
  return { name: "a.unmask.json", mimeType: "application/json", buffer: Buffer.from(content) };
}
