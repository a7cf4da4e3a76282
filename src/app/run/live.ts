import type { DoneEvent } from "../../element/element.ts";
import { hasGaps } from "../../engine/ask/gap-pattern.ts";
import type { EngineInfo } from "../../protocol.ts";
import { carryDraft, type Written } from "../../strategies/live/carry-draft.ts";
import { nextInput, SIMILARITY_DEFAULTS, STREAM_START } from "../../strategies/live/similarity.ts";
import type { Page } from "../page.ts";
import type { Runner } from "./runner.ts";

/** A text that an edit may begin from, and what wrote it. */
interface Base extends Written {
  readonly mode: string;
  readonly info: EngineInfo;
}

/** Writes anew while the prompt is edited. */
export interface Live {
  edited(): void;
  /** A load or a run is over. */
  ended(): void;
}

/** Typing has to pause for so long; an edit that hardly changes the prompt waits until nothing follows it. */
const PAUSE_MS = 300;
const SETTLED_MS = 1200;

/**
 * Live editing: each edit of the prompt begins a run, of several the last one wins, and the similarity filter of
 * StreamDiffusion spares those that change next to nothing (without its chance). A run begins from the text before
 * (`carryDraft`), so the words that still fit stay where they are. It never opens a model by itself.
 */
export function wireLive(page: Page, runner: Pick<Runner, "running" | "rewrite">): Live {
  const { sheet } = page;
  let stream = STREAM_START;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** The run under way was begun here. */
  let own = false;
  let waiting = false;
  let base: Base | undefined;

  const draftFor = (prompt: string): string | null => {
    const isAnother = base?.mode !== page.mode.value || base.info !== sheet.info;
    return base === undefined || isAnother || hasGaps(prompt) ? null : carryDraft(base, prompt);
  };
  const begin = (): void => {
    waiting = false;
    own = true;
    runner.rewrite(draftFor(page.prompt.value));
  };
  const look = (isSettled: boolean): void => {
    const prompt = page.prompt.value;
    const isHeld = sheet.state.phase === "held";
    if (!page.live.checked || sheet.info === undefined || isHeld || prompt.trim() === "") return;
    if (stream.processed?.trim() === prompt.trim()) return;
    const { action, state } = nextInput(stream, prompt, SIMILARITY_DEFAULTS);
    if (action === "skip" && !isSettled) {
      stream = state;
      timer = setTimeout(look, SETTLED_MS, true);
      return;
    }
    stream = { processed: prompt, skipped: 0 };
    waiting = runner.running;
    if (!waiting) begin();
    else if (own) sheet.abort();
  };
  page.live.addEventListener("change", () => look(true));
  sheet.addEventListener("unmask-done", (event) => {
    const { reason, text } = (event as CustomEvent<DoneEvent>).detail;
    const { info, trace } = sheet;
    const prompt = trace?.prompt.text;
    if (reason === "aborted" || text === undefined || info === undefined || prompt === undefined) return;
    stream = { processed: prompt, skipped: 0 };
    base = hasGaps(prompt) ? undefined : { prompt, text, mode: page.mode.value, info };
  });
  return {
    edited() {
      clearTimeout(timer);
      timer = setTimeout(look, PAUSE_MS, false);
    },
    ended() {
      own = false;
      if (waiting && page.live.checked) begin();
      waiting = false;
    },
  };
}
