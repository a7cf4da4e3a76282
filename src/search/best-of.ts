import { openBranch, seedOf } from "./branch.ts";
import type { ScoredSearch } from "./input.ts";
import type { Part, Session } from "./session.ts";
import { writeAll } from "./side-by-side.ts";
import { freshState, type SearchOutcome, settle } from "./texts.ts";

/**
 * Best of N (random search, arXiv 2501.09732): `n` texts with seeds of their own. The first is the plain run, and a larger
 * `n` only adds texts, so the best score never falls.
 */
export function* bestOfN(
  session: Session,
  { n, score }: Extract<ScoredSearch, { method: "best-of" }>,
): Part<SearchOutcome> {
  const branches = Array.from({ length: n }, (_, i) =>
    openBranch(freshState(session), seedOf(session.seed, 0, i)),
  );
  return yield* settle(session, "best-of", yield* writeAll(session, 0, branches, score));
}
