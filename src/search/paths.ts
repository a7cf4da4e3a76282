import { hash3, uniform } from "../core/random.ts";
import { RANDOM_STREAMS } from "../core/random-streams.ts";
import type { LengthEvent, StepEvent } from "../strategies/decode.ts";
import { advance, type Branch, forkOf, openBranch } from "./branch.ts";
import { choose } from "./choose.ts";
import type { ScoreTerm } from "./input.ts";
import { judge } from "./judge.ts";
import { type Part, type Session, tell } from "./session.ts";
import { freshState, type SearchOutcome, settle } from "./texts.ts";
import { turnTo } from "./turn.ts";

export interface PathOptions {
  readonly method: "paths" | "svdd";
  /** Ways in which each path goes on. */
  readonly n: number;
  /** Paths that are kept. */
  readonly width: number;
  /** Steps between two choices. */
  readonly every: number;
  /** See {@link choose}. */
  readonly alpha: number;
  readonly lookahead: boolean;
  readonly score: readonly ScoreTerm[];
}

/** One way to go on from a kept path. */
interface Way {
  readonly branch: Branch;
  /** Index of the path it comes from. */
  readonly from: number;
  /** Not told yet. */
  readonly events: readonly (StepEvent | LengthEvent)[];
}

/**
 * Search over paths (arXiv 2501.09732): some texts are written side by side; every few steps each goes on in several
 * ways, and of all ways the best are kept. Ways that begin with the same canvas share the logits of their first step.
 *
 * With one path and a choice in every step this is soft value-based decoding (SVDD, arXiv 2408.08252): each step is drawn
 * `n` times from one forward, and a value decides which draw is kept. `lookahead` is its posterior-mean variant: the value
 * is that of the text the model expects.
 */
export function* searchPaths(session: Session, options: PathOptions): Part<SearchOutcome> {
  const { n, width, every, alpha, lookahead, score } = options;
  session.shares = n > 1;
  const known = new Map<Branch, number>();
  let paths: readonly Branch[] = [openBranch(freshState(session), session.seed)];
  for (let round = 0; paths.some(({ ended }) => ended === null); round++) {
    const ways: Way[] = [];
    for (const [from, path] of paths.entries()) {
      for (let i = 0; i < (path.ended === null ? n : 1); i++) {
        session.candidate = ways.length;
        if (path.ended !== null) ways.push({ branch: path, from, events: [] });
        else {
          const branch = forkOf(path, wayOf(session.seed, round, from, i));
          const events = yield* advance(session, branch, every, { live: false });
          ways.push({ branch, from, events });
        }
      }
    }
    const fresh = ways.map(({ branch }) => branch).filter((branch) => !known.has(branch));
    const scores = yield* judge(session, fresh, score, lookahead);
    for (const [i, branch] of fresh.entries()) known.set(branch, scores[i]!);
    const kept = keep(ways, known, width, alpha, (draw) =>
      uniform(session.seed, round, draw, RANDOM_STREAMS.choice),
    );
    yield* show(session, ways, kept[0]!);
    paths = kept.map((index) => ways[index]!.branch);
  }
  const texts = paths.map((branch) => ({ branch, score: known.get(branch)! }));
  return yield* settle(session, options.method, texts);
}

/** The first way of the first path keeps the seed of the run: with nothing to choose from, this is the plain run. */
function wayOf(seed: number, round: number, path: number, way: number): number {
  return path === 0 && way === 0 ? seed : hash3(seed, round, 64 * path + way, RANDOM_STREAMS.way);
}

/** Indices of the ways that are kept, the first choice first; no canvas twice. */
function keep(
  ways: readonly Way[],
  known: ReadonlyMap<Branch, number>,
  width: number,
  alpha: number,
  draw: (index: number) => number,
): readonly number[] {
  const kept: number[] = [];
  const open = new Set(ways.keys());
  while (kept.length < width && open.size > 0) {
    const left = [...open];
    const values = left.map((index) => known.get(ways[index]!.branch)!);
    const chosen = left[choose(values, alpha, draw(kept.length))]!;
    kept.push(chosen);
    for (const index of left) if (isSame(ways[index]!.branch, ways[chosen]!.branch)) open.delete(index);
  }
  return kept;
}

function isSame({ state: { canvas: a } }: Branch, { state: { canvas: b } }: Branch): boolean {
  return a.ids.length === b.ids.length && a.ids.every((id, row) => id === b.ids[row]);
}

/** Tells the way that leads now: step by step where it goes on from what is shown, else as a turn. */
function* show(session: Session, ways: readonly Way[], index: number): Part<void> {
  const { branch, from, events } = ways[index]!;
  session.candidate = index;
  if (from > 0) yield* turnTo(session, branch.state.canvas);
  else for (const event of events) yield* tell(session, event, branch.state.canvas);
}
