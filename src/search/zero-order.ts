import { clone } from "../core/clone.ts";
import { uniform } from "../core/random.ts";
import { RANDOM_STREAMS } from "../core/random-streams.ts";
import { MASKED } from "../strategies/canvas.ts";
import { startState } from "../strategies/decode.ts";
import { type Branch, openBranch, seedOf } from "./branch.ts";
import { bestOf } from "./choose.ts";
import type { ScoredSearch } from "./input.ts";
import { copyOf, type Part, type Session } from "./session.ts";
import { writeAll } from "./side-by-side.ts";
import { freshState, type ScoredText, type SearchOutcome, settle, write } from "./texts.ts";

/**
 * Zero-order search (arXiv 2501.09732, in the discrete form of Prism, arXiv 2602.01842): in each round neighbours of the
 * best text so far are written. A neighbour masks a random share of the doubtful half of its tokens, those the model was
 * least sure of when it wrote them, and writes these anew.
 */
export function* zeroOrder(
  session: Session,
  { n, rounds, share, score }: Extract<ScoredSearch, { method: "zero-order" }>,
): Part<SearchOutcome> {
  const texts: ScoredText[] = [
    yield* write(session, 0, openBranch(freshState(session), session.seed), score),
  ];
  for (let round = 1; round <= rounds; round++) {
    const pivot = texts[bestOf(texts.map((text) => text.score))]!.branch;
    const neighbours = Array.from({ length: n }, (_, i) =>
      neighbourOf(pivot, share, seedOf(session.seed, round, i), session.traits.maskId),
    ).filter((neighbour) => neighbour !== null);
    texts.push(...(yield* writeAll(session, texts.length, neighbours, score)));
  }
  return yield* settle(session, "zero-order", texts);
}

/** A run that writes some of the doubtful tokens of `pivot` anew; null when nothing is known of any. */
export function neighbourOf(
  { state, trajectory }: Branch,
  share: number,
  seed: number,
  maskId: number,
): Branch | null {
  const { written, looks } = clone(trajectory);
  const known = Array.from(written.keys()).filter((row) => Number.isFinite(written[row]));
  const doubtful = known
    .sort((a, b) => written[a]! - written[b]! || a - b)
    .slice(0, Math.ceil(known.length / 2));
  const chosen = doubtful.filter((row) => uniform(seed, 0, row, RANDOM_STREAMS.doubt) < share);
  const rows = chosen.length > 0 ? chosen : doubtful.slice(0, 1);
  if (rows.length === 0) return null;
  const canvas = copyOf(state.canvas);
  for (const row of rows) {
    canvas.ids[row] = maskId;
    canvas.kinds[row] = MASKED;
    written[row] = Number.NaN;
    looks.delete(canvas.slots[row]!);
  }
  return { ...openBranch(startState(canvas), seed), trajectory: { written, looks } };
}
