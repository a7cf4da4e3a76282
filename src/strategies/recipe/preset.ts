import type { CommitFilter } from "../../model/commit-filter.ts";
import type { EotpGuard } from "../decoders/eotp.ts";
import type { Selector, Strategy } from "../strategy.ts";
import type { RecipeInput } from "./recipe.ts";

/** Everything a preset is built from; every field resolved and in range. */
export interface Settings {
  /** Cells to fill. */
  readonly length: number;
  readonly block: number;
  /** Steps for all blocks together. */
  readonly steps: number;
  /** Tokens of each step of a block, for the preset that plays a table; empty otherwise. */
  readonly table: readonly number[];
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly threshold: number;
  readonly factor: number;
  readonly gamma: number;
  /** Rows are drawn by their scores at this temperature; absent or 0: the best ones. */
  readonly algTemp?: number;
  /** Last time of a schedule that runs from 1; absent: 0.001. */
  readonly eps?: number;
  /** How the steps of a block share its tokens, where a preset has two ways: by the times of its process when absent. */
  readonly schedule?: "times" | "even";
  /** How `gemma-eb` cools down and ends; absent: as DiffusionGemma does. */
  readonly renoise?: RenoiseSettings;
  readonly guidance: GuidanceSettings;
}

export interface RenoiseSettings {
  /** Temperature of the last step that a block may take. */
  readonly tMin: number;
  /** Steps of a block, at most. */
  readonly steps: number;
  /** Steps in a row that the best tokens of a block stay the same before it may end. */
  readonly stability: number;
  /** Mean entropy of a block below which it may end, nats. */
  readonly confidence: number;
}

export interface GuidanceSettings {
  readonly cfg: number;
  /** Ids that the unconditional branch sees where they are given, such as the one that every text begins with. */
  readonly keep?: readonly number[];
  /** Leaves the unconditional branch out where it agrees. */
  readonly adaptive?: { readonly cosine: number; readonly steps: number };
  /** Uses an earlier unconditional branch again. */
  readonly residual?: { readonly every: number; readonly decay: number };
  /** Masks the weakest tokens in the unconditional branch, in place of the prompt. */
  readonly weak?: { readonly share: number };
}

/** What a preset may know about the model. */
export interface ModelHints {
  /** Ids that end a text. */
  readonly eos: readonly number[];
  /** What stands behind the end. */
  readonly pad: number;
  /** Ids that end a passage: line breaks. */
  readonly delimiters: readonly number[];
  /** Most cells that fit behind the prompt. */
  readonly room: number;
  /** How common each token is in ordinary text, `[vocab]`, sums to 1; absent when the bundle does not say. */
  readonly frequency?: ArrayLike<number>;
  /** A companion reads along, so that the signal `expected` is there. */
  readonly companion?: boolean;
  /** The commit filter for the blocks of the recipe; absent when the bundle has none. */
  readonly filter?: CommitFilter;
}

/** The pieces that make a decoder what it is; the rest is the same for all (see presets.ts). */
export type Pieces = { readonly selector: Selector } & Partial<Strategy>;

/** A decoder by name. One file holds its pieces and its preset, one line in presets.ts lists it. */
export interface Preset {
  readonly title: string;
  /** Keys that mean something to this preset besides those that every preset takes. */
  readonly keys: readonly (keyof RecipeInput & keyof Settings)[];
  /** Where they differ from the common defaults. */
  readonly defaults?: Partial<Settings>;
  /** It changes the length of the canvas, so nothing may stand behind the cells to be filled. */
  readonly continuationOnly?: boolean;
  /** It predicts the end of a continuation unless the recipe says otherwise (`stop.eotp`). */
  readonly eotp?: EotpGuard;
  /** Takes the best token whatever the temperature. */
  readonly greedy?: boolean;
  /** Writes tokens that no selector chose (overwrites, fills everything at once): no constraint can hold for them. */
  readonly overrules?: boolean;
  /** Tokens that were committed may change: the page shows them as provisional. */
  readonly revises?: boolean;
  /** What it chooses does not depend on the scores alone. */
  readonly unranked?: boolean;
  /** Steps are times of a process, of which there may be more than cells. */
  readonly moreSteps?: boolean;
  /** Its forwards end with the open block. */
  readonly blockwise?: boolean;
  /** What the preset is made of, for these settings. */
  pieces(settings: Settings, model: ModelHints): Pieces;
}
