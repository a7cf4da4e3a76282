import { createPlayback } from "./playback.ts";
import { type RunAbout, RunLog } from "./run-log.ts";
import { displaySpans, plainText } from "./spans.ts";
import { type ElementPhase, type ElementState, stateOf } from "./state.ts";
import { SheetView } from "./view.ts";

const TICK_MS = 140;

/** The run that stands on a sheet: its log, the step that is shown, and how it is played. */
export interface Player {
  readonly log: RunLog;
  /** The text that was last drawn, as a reader sees it. */
  readonly text: string;
  state(phase: ElementPhase): ElementState;
  /** Clears the sheet for another run and shows its newest step. */
  begin(about: Partial<RunAbout>): RunLog;
  /** Plays from where it stands, or again from the start. Nothing without a run. */
  play(): void;
  pause(): void;
  /** Shows the canvas after `n` steps; the last one, as Infinity does, follows a run that goes on. */
  seek(n: number): void;
  /**
   * Draws the step that is shown and says whether there is anything to show.
   *
   * @param growing more is being written: the sheet keeps its height
   */
  draw(growing: boolean): boolean;
}

/** @param moved is called when another step is to be drawn because of the playback */
export function createPlayer(sheet: HTMLElement, moved: () => void): Player {
  const view = new SheetView(sheet);
  const playback = createPlayback(advance, moved, TICK_MS);
  let log = new RunLog();
  let text = "";
  /** Undefined follows the newest step. */
  let position: number | undefined;

  function show(n: number): void {
    position = n >= log.steps.length ? undefined : Math.max(0, Math.trunc(n));
  }

  function advance(): boolean {
    show((position ?? 0) + 1);
    return position !== undefined;
  }

  return {
    get log() {
      return log;
    },
    get text() {
      return text;
    },
    state: (phase) => stateOf(phase, log.frame(position), log.steps.length, playback.playing),
    begin(about) {
      playback.pause();
      log = new RunLog(about);
      position = undefined;
      view.releaseHeight();
      return log;
    },
    play() {
      if (log.start === undefined) return;
      if (position === undefined) show(0);
      playback.play();
    },
    pause: playback.pause,
    seek(n) {
      playback.pause();
      show(n);
    },
    draw(growing) {
      const frame = log.frame(position);
      const spans = frame === undefined ? [] : displaySpans(frame, log.pieces);
      const past = position !== undefined;
      const end = past && log.done !== undefined ? log.frame() : undefined;
      const known = end !== undefined && end.cells.length === spans.length;
      view.draw(spans, known ? displaySpans(end, log.pieces) : undefined, growing || past);
      text = plainText(spans);
      return frame !== undefined;
    },
  };
}
