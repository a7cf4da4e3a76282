import { UnmaskError } from "../../src/core/errors.ts";
import { nearest } from "../../src/core/nearest.ts";
import type { ModelFacts } from "../../src/engine/plan.ts";
import { PRESET_NAMES, PRESETS } from "../../src/strategies/presets.ts";

/** A decoder in the comparison. */
export interface Contestant {
  readonly name: string;
  readonly recipe: Readonly<Record<string, unknown>>;
  /** Cells it begins with where it finds the length by itself; the others get all that the canvas has. */
  readonly start?: number;
}

/** LLaDA as papers divide by it: one token a step, and every cell of a fixed length is filled. */
export const FIXED = "llada, fixed length";
/** The same with a plain stop at the end of the text: what a fair comparison divides by. */
export const PLAIN = "llada";

/** Combinations that seed systems claim something for, beside the presets by themselves. */
const COMBINED: readonly Contestant[] = [
  { name: "llada + eotp", recipe: { preset: "llada", stop: { eotp: { minConf: 0.9 } } } },
  { name: "llada + prefix cache", recipe: { preset: "llada", cache: "prefix" } },
  { name: "llada + dual cache", recipe: { preset: "llada", cache: "dual" } },
  { name: "llada + region cache", recipe: { preset: "llada", cache: "region" } },
  { name: "llada + guidance", recipe: { preset: "llada", guidance: { cfg: 0.5 } } },
  { name: "fast-dllm + eotp", recipe: { preset: "fast-dllm", stop: { eotp: { minConf: 0.9 } } } },
  { name: "fast-dllm + prefix cache", recipe: { preset: "fast-dllm", cache: "prefix" } },
  { name: "fast-dllm + dual cache", recipe: { preset: "fast-dllm", cache: "dual" } },
];

/**
 * The two baselines, then every preset at its defaults and the combinations; those `asked` for where it is a list. All
 * but the first end at the end of the text.
 *
 * @throws UnmaskError `invalid-options` for a name that is none
 */
export function chooseContestants(
  asked: unknown,
  { tokens }: Pick<ModelFacts, "tokens">,
): readonly Contestant[] {
  const eos = tokens.eos.length > 0;
  const ending = ({ recipe, ...rest }: Contestant): Contestant => ({
    ...rest,
    recipe: { ...recipe, ...(eos ? { stop: { eos: true, ...(recipe["stop"] as object | undefined) } } : {}) },
  });
  const fixed: Contestant = { name: FIXED, recipe: { preset: "llada", stop: { eos: false } } };
  const plain = ending({ name: PLAIN, recipe: { preset: "llada" } });
  const others = [...PRESET_NAMES.filter((name) => name !== PLAIN).map(presetAlone), ...COMBINED].map(ending);
  if (typeof asked !== "string") return [fixed, plain, ...others];
  const names = asked.split(",").map((name) => name.trim());
  const strange = names.find((name) => name !== PLAIN && !others.some((other) => other.name === name));
  if (strange === undefined) return [fixed, plain, ...others.filter(({ name }) => names.includes(name))];
  const near = nearest(strange, [PLAIN, ...others.map(({ name }) => name)]);
  throw new UnmaskError(
    "invalid-options",
    `There is no decoder "${strange.slice(0, 40)}". Did you mean "${near}"?`,
    { detail: { option: "presets" } },
  );
}

function presetAlone(name: string): Contestant {
  const start = PRESETS[name]?.defaults?.length;
  return { name, recipe: { preset: name }, ...(start === undefined ? {} : { start }) };
}
