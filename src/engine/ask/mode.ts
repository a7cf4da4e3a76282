import { nearest } from "../../core/nearest.ts";
import type { Manifest } from "../../model/manifest.ts";
import { invalid } from "./settings.ts";

/** The entry of the bundle's modes that `name` asks for; without a name the first, without modes an empty one. */
export function findMode(
  name: string | undefined,
  { modes }: Pick<Manifest, "modes">,
): { readonly prefix: readonly number[]; readonly suffix: readonly number[] } {
  const names = Object.keys(modes);
  const wanted = name ?? names[0];
  if (wanted === undefined) return { prefix: [], suffix: [] };
  if (Object.hasOwn(modes, wanted)) return modes[wanted]!;
  const near = nearest(wanted, names);
  const hint = near === "" ? "This model has no modes." : `Did you mean "${near}"?`;
  throw invalid("mode", `There is no mode "${wanted.slice(0, 60)}". ${hint}`);
}
