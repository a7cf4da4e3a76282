import { UnmaskError } from "../../core/errors.ts";
import type { Attention } from "../../core/types.ts";

/** What some configurations cannot tell: how a model was trained. */
export interface Profile {
  readonly attention: Attention;
  /** Overrides the shift of the architecture. */
  readonly logitsShift?: 0 | 1;
}

/** Chosen by `--profile`, by the sidecar, or by the repository's name. */
const PROFILES: Readonly<Record<string, Profile>> = {
  mdlm: { attention: { kind: "full" } },
  bd3lm: { attention: { kind: "block-causal", block: 32, align: "prompt-end" } },
  "open-dcoder": { attention: { kind: "full" }, logitsShift: 1 },
};

/** Parts of published repository names, with the profile they stand for. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/(^|[_-])bd3lm([_-]|$)/i, "bd3lm"],
  [/(^|[_-])mdlm([_-]|$)/i, "mdlm"],
  [/(^|[_-])open-dcoder([_-]|$)/i, "open-dcoder"],
];

/** @throws UnmaskError `invalid-options` when there is no such profile */
export function profileNamed(name: string): Profile {
  const found = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(PROFILES).join(", ");
  throw new UnmaskError("invalid-options", `There is no profile "${name}"; known: ${known}.`);
}

/** The name of the profile that a repository id or folder name stands for, such as `dllm-hub/...-bd3lm-v0.1`. */
export function profileOfRepository(id: string): string | undefined {
  const name = id.slice(id.lastIndexOf("/") + 1);
  return NAMES.find(([pattern]) => pattern.test(name))?.[1];
}
