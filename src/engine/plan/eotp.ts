import type { CacheChoice } from "../../cache/choice.ts";
import { assertNever } from "../../core/errors.ts";
import type { EotpGuard, EotpOptions } from "../../strategies/decoders/eotp.ts";
import type { Asked } from "./asked.ts";
import { placesDraft } from "./draft-rules.ts";

/** Common to all presets that do not bring a guard of their own: the specified one. */
const GUARD: EotpGuard = { minConf: 0.9, notBefore: "block-end", minTokens: 0, requireAccepted: false };

/**
 * How the end of the text is predicted: what the recipe says, or what its preset is used to where that can be (a
 * continuation of a model with an end of text, nothing else that counts on the cells).
 *
 * @returns null where it is not
 */
export function eotpGuard({ preset, input, strategy, model, region }: Asked): EotpGuard | null {
  const asked = input.stop?.eotp;
  if (asked === false) return null;
  const usual = preset.eotp ?? GUARD;
  if (asked !== undefined) {
    return {
      minConf: asked.minConf ?? usual.minConf,
      notBefore: asked.notBefore ?? usual.notBefore,
      minTokens: asked.minTokens ?? usual.minTokens,
      requireAccepted: asked.requireAccepted ?? usual.requireAccepted ?? false,
    };
  }
  const isFit =
    region.kind === "generate" &&
    input.stop?.predict !== "never" &&
    model.tokens.eos.length > 0 &&
    strategy.length === undefined &&
    input.constraint === undefined &&
    !placesDraft(input);
  return preset.eotp !== undefined && isFit ? preset.eotp : null;
}

/** What a resolved recipe says of it: only where it differs from what every preset does. */
export function writeEotp(
  guard: EotpGuard | null,
  usual: EotpGuard | undefined,
): { readonly eotp?: false | Partial<EotpGuard> } {
  if (guard === null) return usual === undefined ? {} : { eotp: false };
  const { minConf, notBefore, minTokens, requireAccepted = false } = guard;
  return {
    eotp: {
      minConf,
      ...(notBefore === (usual ?? GUARD).notBefore ? {} : { notBefore }),
      ...(minTokens === (usual ?? GUARD).minTokens ? {} : { minTokens }),
      ...(requireAccepted === ((usual ?? GUARD).requireAccepted ?? false) ? {} : { requireAccepted }),
    },
  };
}

/**
 * Whether the next forward computes every mask anyway, so that looking at all of them costs nothing. Under the other
 * caches only the first forward of a block does, or one in so many.
 */
export function eotpScope(choice: CacheChoice): EotpOptions["scope"] {
  switch (choice.policy) {
    case "none":
    case "prefix":
    case "free":
      return "canvas";
    case "block":
      return "block";
    case "partial":
      return ({ cache }) => (cache.forwards % choice.answerEvery === 0 ? "canvas" : "block");
    case "dual":
    case "vicinity":
    case "suffix-drop":
    case "region":
      return ({ stepInBlock }) => (stepInBlock === 0 ? "canvas" : "block");
    default:
      return assertNever(choice);
  }
}
