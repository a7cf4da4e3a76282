import { assertNever } from "../../core/errors.ts";

/** How likely a visible token is to be taken back in a step (ReMDM, arXiv 2503.00307, section 4). */
export type RemaskRule =
  /** Never: MDLM. */
  | { readonly kind: "none" }
  /** `eta`, as far as the marginals of the process allow it. */
  | { readonly kind: "cap"; readonly eta: number }
  /** This share of what they allow. */
  | { readonly kind: "rescale"; readonly eta: number }
  /** All that they allow, shared out among the tokens that were written with little confidence. */
  | { readonly kind: "conf" }
  /** All that keeps the marginals, forward and backward; no preset takes it. */
  | { readonly kind: "forward-backward" }
  /** MDLM down to time `on`, then a constant `alpha` under which tokens are taken back until `off`, then MDLM. */
  | {
      readonly kind: "loop";
      readonly eta: number;
      readonly on: number;
      readonly off: number;
      readonly alpha: number;
    };

/** Weights of the prediction and of the mask in one step, for a masked and for a visible cell. */
export interface Mixture {
  readonly masked: readonly [token: number, mask: number];
  readonly visible: readonly [token: number, mask: number];
}

/**
 * The step from time `t` to `t - dt` of the log-linear process, alpha being 1 - t, in float32 as the reference computes it.
 *
 * @param share of a visible cell in what `conf` takes back; 0 for the others
 */
export function mixtureAt(rule: RemaskRule, t: number, dt: number, share: number): Mixture {
  const before = Math.fround(t - dt);
  if (rule.kind === "none") return plain(t, before);
  if (rule.kind === "loop") return loop(rule, t, dt);
  const [alphaT, alphaS] = [Math.fround(1 - t), Math.fround(1 - before)];
  const most = alphaT > 0 ? Math.min(1, (1 - alphaS) / alphaT) : 1;
  switch (rule.kind) {
    case "cap":
      return remasking(alphaT, alphaS, Math.min(rule.eta, most));
    case "rescale":
      return remasking(alphaT, alphaS, rule.eta * most);
    case "conf":
      return remasking(alphaT, alphaS, share * most);
    case "forward-backward":
      return remasking(alphaT, alphaS, alphaT > 0 ? (alphaS - alphaT) / alphaT : 1);
    default:
      return assertNever(rule);
  }
}

function plain(t: number, before: number): Mixture {
  return { masked: [t - before, before], visible: [1, 0] };
}

function remasking(alphaT: number, alphaS: number, sigma: number): Mixture {
  return {
    masked: [(alphaS - (1 - sigma) * alphaT) / (1 - alphaT), (1 - alphaS - sigma * alphaT) / (1 - alphaT)],
    visible: [1 - sigma, sigma],
  };
}

function loop(
  { on, off, alpha, eta }: Extract<RemaskRule, { kind: "loop" }>,
  t: number,
  dt: number,
): Mixture {
  if (t > on) return plain(1 - ((1 - t) * alpha) / (1 - on), 1 - ((1 - t + dt) * alpha) / (1 - on));
  if (t <= off) return plain((t * (1 - alpha)) / off, ((t - dt) * (1 - alpha)) / off);
  return remasking(alpha, alpha, eta);
}
