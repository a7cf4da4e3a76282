import { UnmaskError } from "../core/errors.ts";

/** A constraint that cannot be used; `where` is the path of the offending part in the recipe. */
export function constraintError(
  where: string,
  message: string,
  detail: Readonly<Record<string, string | number>> = {},
): UnmaskError {
  return new UnmaskError("invalid-options", message, { detail: { option: where, ...detail } });
}

/** The constraint is well formed but its automaton passes a limit. */
export function tooLarge(what: string): UnmaskError {
  return constraintError(
    "constraint",
    `The constraint is too large: it needs more than ${what}. Use smaller repetition counts or fewer parts.`,
  );
}
