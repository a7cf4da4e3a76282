import type { ForwardRequest, SignalRequest } from "../core/types.ts";
import { type Canvas, FILLED, MASKED } from "../strategies/canvas.ts";
import { blendOf } from "../strategies/forward.ts";
import type { DecodeState } from "../strategies/strategy.ts";
import type { Branch } from "./branch.ts";
import type { NamedTerm, ScoreTerm } from "./input.ts";
import { ask, askEach, copyOf, type Part, type Session } from "./session.ts";
import { HOPELESS, meanConfidence, stability } from "./trajectory.ts";

/**
 * Scores of branches: the weighted sum of the terms. What follows from a run is computed here, what follows from its
 * text is asked for, all branches at once.
 *
 * @param lookahead masks are filled with the model's best tokens before they are scored, one forward a branch
 */
export function* judge(
  session: Session,
  branches: readonly Branch[],
  terms: readonly ScoreTerm[],
  lookahead: boolean,
): Part<readonly number[]> {
  const canvases: Canvas[] = [];
  for (const { state, ended } of branches) {
    canvases.push(lookahead && ended === null ? yield* imagine(session, state) : copyOf(state.canvas));
  }
  const scores = new Array<number>(branches.length).fill(0);
  for (const term of terms) {
    if (!isOfRun(term)) continue;
    for (const [i, branch] of branches.entries()) {
      scores[i]! += term.weight * (yield* ofRun(session, branch, canvases[i]!, term.name));
    }
  }
  if (terms.every(isOfRun)) return scores;
  const ofText = yield { type: "score", canvases };
  return (ofText as readonly number[]).map((value, i) => value + scores[i]!); // the driver answers with numbers
}

type RunTerm = NamedTerm & { readonly name: Exclude<NamedTerm["name"], "custom"> };

/** Terms that are no function of the text. */
function isOfRun(term: ScoreTerm): term is RunTerm {
  return "name" in term && term.name !== "custom";
}

function* ofRun(
  session: Session,
  { state, trajectory }: Branch,
  canvas: Canvas,
  name: RunTerm["name"],
): Part<number> {
  if (name === "confidence") return meanConfidence(trajectory);
  const rows = textRows(canvas, session.blank);
  if (name === "stability") return stability(trajectory, rows, canvas.ids, state.canvas.slots);
  return yield* pseudoLikelihood(session, canvas, rows);
}

/** Written cells that stand for text. */
function textRows(canvas: Canvas, blank: readonly number[]): number[] {
  return Array.from(canvas.kinds.keys()).filter(
    (row) => canvas.kinds[row] === FILLED && !blank.includes(canvas.ids[row]!),
  );
}

/** Forwards of a re-scan; each hides every fourth token, so that those around it are seen. */
const PARTS = 4;

/**
 * Pseudo-log-likelihood by a masked re-scan: the mean log-probability of each written token while it is hidden and the
 * text around it is not (Salazar et al., arXiv 1910.14659, four tokens in a row hidden one after the other).
 */
function* pseudoLikelihood(session: Session, canvas: Canvas, rows: readonly number[]): Part<number> {
  const requests = Array.from({ length: Math.min(PARTS, rows.length) }, (_, part) => {
    const hidden = Int32Array.from(rows.filter((_, i) => i % PARTS === part));
    const ids = canvas.ids.slice();
    for (const row of hidden) ids[row] = session.traits.maskId;
    const wanted = hidden.map((row) => canvas.ids[row]!);
    return requestOf(session, ids, hidden, canvas.promptLen, { gather: { width: 1, ids: wanted } });
  });
  let sum = 0;
  yield* askEach(session, requests, ({ lse, gatherLogits }) => {
    for (const [r, logit] of Array.from(gatherLogits!).entries()) sum += Math.max(HOPELESS, logit - lse[r]!);
  });
  return rows.length === 0 ? HOPELESS : sum / rows.length;
}

/** The canvas with the best token in each mask: what the text would be if it had to end now. */
function* imagine(session: Session, { canvas }: DecodeState): Part<Canvas> {
  const imagined = copyOf(canvas);
  const masks = Int32Array.from(
    Array.from(canvas.kinds.keys()).filter((row) => canvas.kinds[row] === MASKED),
  );
  if (masks.length === 0) return imagined;
  const request = requestOf(session, canvas.ids.slice(), masks, canvas.promptLen, {});
  const stats = yield* ask(session, { ...request, ...blendOf(session.strategy, canvas) });
  for (const [r, row] of masks.entries()) {
    imagined.ids[row] = stats.topIds[r * stats.k]!;
    imagined.kinds[row] = FILLED;
  }
  return imagined;
}

function requestOf(
  { traits }: Session,
  ids: Int32Array,
  rows: Int32Array,
  promptLen: number,
  signals: Partial<SignalRequest>,
): ForwardRequest {
  return {
    canvases: [ids],
    rows,
    attention: traits.attention,
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: false, current: false, probe: [], ...signals },
    suppress: traits.suppress,
    kv: null,
    promptLen,
  };
}
