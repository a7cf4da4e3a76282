import type { CacheChoice } from "../../cache/choice.ts";
import type { CacheDemands } from "../../cache/compose.ts";
import type { Search } from "../../search/input.ts";
import type { DaedalLength } from "../../strategies/decoders/daedal.ts";
import type { Preset, Settings } from "../../strategies/recipe/preset.ts";
import type { RecipeInput } from "../../strategies/recipe/recipe.ts";
import type { Strategy } from "../../strategies/strategy.ts";
import type { ModelFacts, Region } from "../ask/model-facts.ts";

/** A recipe as it was asked for, and what it resolved to. */
export interface Asked {
  readonly name: string;
  readonly preset: Preset;
  readonly input: RecipeInput;
  readonly settings: Settings;
  /** How the canvas grows; absent where it keeps its length. */
  readonly growth: DaedalLength | undefined;
  readonly strategy: Strategy;
  /** The preset without the length control that the recipe puts on it. */
  readonly alone: Strategy;
  readonly model: ModelFacts;
  readonly region: Region;
  readonly search: Search | undefined;
  /** The caller brings a function that scores texts. */
  readonly hasScore: boolean;
  /** The caller brings a companion. */
  readonly hasCompanion: boolean;
  /** What a cache has to reckon with. */
  readonly demands: CacheDemands;
  /** The cache that was asked for, or the one that nothing speaks against. */
  readonly choice: CacheChoice;
}

/** A thing that a recipe may ask for in vain. */
export type Refusal = readonly [applies: boolean, option: string, sentence: string];
