import type { Dtype } from "./dtype.ts";
import type { Q4Extra } from "./q4-recipe.ts";

/** What {@link convertCheckpoint} makes, and whom it tells. */
export interface ConvertOptions {
  /**
   * int8 is derived from q4 (or q8) at load, so one of them must be among them. q4f16 and q8f16 are the weights of q4 and
   * q8 under activations of f16; they bring those with them.
   */
  readonly dtypes: readonly Dtype[];
  readonly profile?: string;
  /** Mask id of models whose files do not name it. */
  readonly mask?: number;
  /** What q4 does beyond symmetric blocks; nothing when left out. */
  readonly q4?: readonly Q4Extra[];
  /** Used where the sidecar names none. */
  readonly name: string;
  /** Where the checkpoint is from, for the manifest; the name when left out. */
  readonly source?: string;
  /** Told what may matter to who uses the bundle; never ends the conversion. */
  warn(code: string, message: string): void;
  /**
   * Called before each stage and as it goes on; what it throws ends the conversion.
   *
   * @param share of the stage that is done, 0 to 1, where it is known
   */
  progress(text: string, share?: number): void;
}
