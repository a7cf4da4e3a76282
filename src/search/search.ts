import { assertNever } from "../core/errors.ts";
import { bestOfN } from "./best-of.ts";
import { advance, openBranch } from "./branch.ts";
import type { Search } from "./input.ts";
import { searchPaths } from "./paths.ts";
import type { Part, Session } from "./session.ts";
import { freshState, type SearchOutcome } from "./texts.ts";
import { vote } from "./vote.ts";
import { zeroOrder } from "./zero-order.ts";

/**
 * Runs a search, or without one a single run: the same events, so whoever drives it need not know.
 *
 * Pure like a decoder: no clock, no randomness but counters, no GPU, no text. All its forwards are counted in the session;
 * folding its events over the first canvas gives `session.shown` at any time, and at the end the best text.
 */
export function* runSearch(search: Search | undefined, session: Session): Part<SearchOutcome> {
  if (search === undefined) return yield* runPlain(session);
  switch (search.method) {
    case "best-of":
      return yield* bestOfN(session, search);
    case "zero-order":
      return yield* zeroOrder(session, search);
    case "paths":
      return yield* searchPaths(session, search);
    case "svdd":
      return yield* searchPaths(session, { ...search, width: 1 });
    case "vote":
      return yield* vote(session, search);
    default:
      return assertNever(search);
  }
}

function* runPlain(session: Session): Part<SearchOutcome> {
  const branch = openBranch(freshState(session), session.seed);
  yield* advance(session, branch, Number.POSITIVE_INFINITY, { live: true });
  return { reason: branch.ended ?? "complete", report: null };
}
