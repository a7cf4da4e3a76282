import type { UnmaskError } from "../core/errors.ts";
import type { LoadEvent } from "../core/events.ts";
import type { DoneEvent } from "./runs.ts";
import type { ElementState } from "./state.ts";

/** Events of `<unmask-text>`. They bubble, so a listener may stand on anything around the element. */
export interface UnmaskTextEventMap {
  /** The model is being downloaded, verified or compiled. */
  "unmask-progress": CustomEvent<LoadEvent>;
  /** A run began or took a step; `detail` is the element's `state`. */
  "unmask-step": CustomEvent<ElementState>;
  /** A run ended, by itself or stopped. `detail.text` is what was written, for an infill the whole text. */
  "unmask-done": CustomEvent<DoneEvent>;
  /** A load, a run or a trace failed; `detail.code` says how. */
  "unmask-error": CustomEvent<UnmaskError>;
}

declare global {
  interface HTMLElementEventMap extends UnmaskTextEventMap {}
}
