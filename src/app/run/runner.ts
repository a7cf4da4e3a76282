import type { Trace } from "../../core/events.ts";
import type { SheetOptions } from "../../element/element.ts";
import { hasGaps } from "../../engine/ask/gap-pattern.ts";
import type { Remedy } from "../ask/advice.ts";
import type { Chat } from "../ask/chat.ts";
import { guarded, readOptions } from "../ask/controls.ts";
import type { Page } from "../page.ts";
import type { Paragraph } from "./paragraph.ts";

/** Starts loads and runs on the sheet, one at a time, and keeps the controls in step with them. */
export interface Runner {
  readonly running: boolean;
  /** True from the first run on: until then the sheet belongs to the welcome trace. */
  readonly used: boolean;
  /** Generates, or fills when the prompt has gaps; lets a held run go on. */
  submit(): void;
  fill(): void;
  step(): void;
  /** Writes the prompt anew; from a draft, where there is one, as `warm-start` does. */
  rewrite(draft: string | null): void;
  load(job: () => Promise<unknown>): void;
  remedy(name: Remedy): void;
  /** Puts a recorded run on the sheet, its prompt in the first paragraph. */
  show(trace: Trace): void;
  /** Enables what applies now. */
  refresh(): void;
}

/**
 * @param say writes the status line.
 * @param chat what surrounds the prompt.
 * @param ended is called after each load or run, however it ended.
 */
export function createRunner(
  page: Page,
  paragraph: Paragraph,
  say: (text: string, read?: string) => void,
  chat: Pick<Chat, "modeOf" | "open">,
  ended: () => void,
): Runner {
  const { sheet } = page;
  let used = false;
  let running = false;
  /** What "Try again" repeats. */
  let last: () => void = () => {};

  const refresh = (): void => {
    const gaps = hasGaps(page.prompt.value);
    const { phase } = sheet.state;
    const held = phase === "held";
    page.generate.disabled = (running && !held) || (gaps && !held);
    page.generate.title = gaps && !held ? "The prompt has gaps: Fill writes into them" : "Ctrl+Enter";
    page.fill.disabled = running || !gaps;
    page.fill.classList.toggle("primary", gaps && !running);
    page.step.disabled = running && phase === "loading";
    page.stop.disabled = !running;
    page.load.disabled = running || sheet.info !== undefined;
    const load = sheet.info === undefined ? "Load" : "Loaded";
    if (page.load.textContent !== load) page.load.textContent = load;
    for (const field of [page.model, page.strategy, page.mode, page.length, page.seed, page.temperature]) {
      field.disabled = running;
    }
  };
  const begin = (job: () => Promise<unknown> | undefined): void => {
    last = () => begin(job);
    page.problem.hidden = true;
    page.empty.hidden = true;
    running = true;
    say(sheet.info === undefined ? "loading the model" : "generating");
    // Failures arrive as `unmask-error`; the promise only says that it is over.
    Promise.resolve(job())
      .catch(() => undefined)
      .finally(() => {
        running = false;
        ended();
        refresh();
      });
    refresh();
  };
  const write = (kind: "generate" | "infill" | "step", more: SheetOptions = {}): void => {
    used = true;
    sheet.removeAttribute("src");
    sheet.replaceChildren();
    begin(() => {
      sheet.trace = undefined;
      paragraph.begin();
      return sheet[kind]({ ...readOptions(page), ...chat.modeOf(), ...more });
    });
  };

  return {
    get running() {
      return running;
    },
    get used() {
      return used;
    },
    submit() {
      if (sheet.state.phase === "held") {
        sheet.resume();
        say("generating");
        refresh();
      } else if (!running) write(hasGaps(page.prompt.value) ? "infill" : "generate");
    },
    fill: () => write("infill"),
    step() {
      if (!running) return write("step");
      void sheet.step();
      refresh();
    },
    rewrite(draft) {
      const recipe = guarded(page, { preset: "fast-dllm", init: { draft } });
      write(hasGaps(page.prompt.value) ? "infill" : "generate", draft === null ? {} : { recipe });
    },
    load: begin,
    show(trace) {
      used = true;
      page.problem.hidden = true;
      page.empty.hidden = true;
      sheet.removeAttribute("src");
      page.prompt.value = trace.prompt.text;
      paragraph.begin();
      sheet.trace = trace;
      say("done: a recording, drag the timeline to look at its steps", sheet.text);
    },
    remedy(name) {
      page.problem.hidden = true;
      if (name === "prompt") page.prompt.focus();
      else if (name === "length") page.length.focus();
      else if (name === "strategy") page.strategy.focus();
      else if (name === "template") chat.open();
      else if (name === "reload") location.reload();
      else {
        if (name === "wasm") {
          sheet.loadOptions = { backend: "wasm" };
        }
        last();
      }
    },
    refresh,
  };
}
