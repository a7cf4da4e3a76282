import type { EotpGuard } from "../../strategies/decoders/eotp.ts";
import type { Asked } from "./asked.ts";
import { placesDraft } from "./draft-rules.ts";

/** Common to all presets that do not bring a guard of their own. */
const GUARD: EotpGuard = { minConf: 0.9, notBefore: "start", minTokens: 0 };

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
  const { minConf, notBefore, minTokens } = guard;
  return {
    eotp: {
      minConf,
      ...(notBefore === (usual ?? GUARD).notBefore ? {} : { notBefore }),
      ...(minTokens === (usual ?? GUARD).minTokens ? {} : { minTokens }),
    },
  };
}
