import { assertNever } from "../core/errors.ts";
import type { LoadEvent } from "../core/events.ts";
import type { ElementState } from "./state.ts";

/** What the controls under a sheet offer. */
export interface ControlsView {
  /** Begins or ends a run; undefined when the sheet has no model. */
  readonly write: "Write" | "Write again" | "Stop" | undefined;
  /** Holds a run, or plays what was written; undefined when there is nothing to play. */
  readonly play: "Play" | "Pause" | "Go on" | undefined;
  /** For one live region: changes with the phase, never with a step. */
  readonly message: string;
}

export function controlsView(state: ElementState, hasModel: boolean, outcome: string): ControlsView {
  const { phase, steps, playing } = state;
  const again = hasModel ? (steps > 0 ? "Write again" : "Write") : undefined;
  const replay = steps === 0 ? undefined : playing ? "Pause" : "Play";
  switch (phase) {
    case "empty":
      return { write: again, play: undefined, message: "" };
    case "ready":
      return { write: again, play: replay, message: "ready" };
    case "loading":
      return { write: "Stop", play: undefined, message: "loading" };
    case "generating":
      return { write: "Stop", play: "Pause", message: "generating" };
    case "held":
      return { write: "Stop", play: "Go on", message: "generating: held" };
    case "done":
    case "error":
      return { write: again, play: replay, message: outcome };
    default:
      return assertNever(phase);
  }
}

/** `downloading 3.1 of 6.2 MB`. */
export function loadMessage({ phase, bytes, totalBytes }: LoadEvent): string {
  if (phase !== "downloading") return phase;
  return `downloading ${(bytes / 1e6).toFixed(1)} of ${(totalBytes / 1e6).toFixed(1)} MB`;
}
