import { type CacheInput, writeCache } from "../../cache/choice.ts";
import type { Constraint } from "../../constraints/input.ts";
import type { Search } from "../../search/input.ts";
import type { EotpGuard } from "../../strategies/decoders/eotp.ts";
import type { GuidanceSettings, RenoiseSettings } from "../../strategies/recipe/preset.ts";
import type { RecipeInput } from "../../strategies/recipe/recipe.ts";
import type { Asked } from "./asked.ts";
import { placesDraft } from "./draft-rules.ts";
import { writeEotp } from "./eotp.ts";

/** The recipe with every default filled in: parsing it again gives the same plan. */
export interface ResolvedRecipe {
  readonly preset: string;
  readonly length: number;
  readonly block: number;
  readonly steps?: number | readonly number[];
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly threshold?: number;
  readonly factor?: number;
  readonly gamma?: number;
  readonly algTemp?: number;
  readonly eps?: number;
  readonly schedule?: "times" | "even";
  readonly renoise?: RenoiseSettings;
  readonly cache: CacheInput;
  readonly lengthControl?: NonNullable<RecipeInput["lengthControl"]>;
  readonly constraint?: Constraint;
  readonly guidance: GuidanceSettings;
  /** Tokens that were committed may still change. */
  readonly remask?: true | { readonly entropyGuard: number };
  readonly init?: NonNullable<RecipeInput["init"]>;
  readonly suppress?: NonNullable<RecipeInput["suppress"]>;
  readonly stop: {
    readonly eos: boolean;
    readonly predict?: "never" | "last";
    readonly eotp?: false | Partial<EotpGuard>;
  };
  readonly search?: Search;
}

/** Writes a recipe that was asked for with all that was decided of it. */
export function writeRecipe(
  { name, preset, input, settings, growth, search, choice }: Asked,
  eos: boolean,
  eotp: EotpGuard | null,
): ResolvedRecipe {
  const guard = typeof input.remask === "object" ? input.remask : undefined;
  return {
    preset: name,
    length: settings.length,
    block: settings.block,
    ...(preset.keys.includes("steps")
      ? { steps: settings.table.length > 0 ? settings.table : settings.steps }
      : {}),
    temperature: settings.temperature,
    topK: settings.topK,
    topP: settings.topP,
    ...(preset.keys.includes("threshold") ? { threshold: settings.threshold } : {}),
    ...(preset.keys.includes("factor") ? { factor: settings.factor } : {}),
    ...(preset.keys.includes("gamma") ? { gamma: settings.gamma } : {}),
    ...(settings.algTemp === undefined ? {} : { algTemp: settings.algTemp }),
    ...(settings.eps === undefined ? {} : { eps: settings.eps }),
    ...(settings.schedule === undefined ? {} : { schedule: settings.schedule }),
    ...(settings.renoise === undefined ? {} : { renoise: settings.renoise }),
    cache: writeCache(choice),
    ...controlOf(input, growth),
    ...(input.constraint === undefined ? {} : { constraint: input.constraint }),
    guidance: settings.guidance,
    ...(input.init === undefined ? {} : { init: input.init }),
    ...(preset.revises === true || placesDraft(input) ? { remask: true } : {}),
    ...(guard === undefined ? {} : { remask: guard }),
    ...(input.suppress === undefined ? {} : { suppress: input.suppress }),
    stop: {
      eos,
      ...(input.stop?.predict === undefined ? {} : { predict: input.stop.predict }),
      ...writeEotp(eotp, preset.eotp),
    },
    ...(search === undefined ? {} : { search }),
  };
}

/** The length control, where the recipe names one or the caller bounds what the preset brings. */
function controlOf(
  { lengthControl }: RecipeInput,
  growth: Asked["growth"],
): Pick<ResolvedRecipe, "lengthControl"> {
  if (growth === undefined) return lengthControl === undefined ? {} : { lengthControl };
  const isPlain = lengthControl === undefined && growth.maxLength === undefined;
  return isPlain ? {} : { lengthControl: { daedal: growth } };
}
