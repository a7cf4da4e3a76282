import { hasGaps } from "../../engine/ask/gap-pattern.ts";
import type { Page } from "../page.ts";

/**
 * How the text on the sheet stands to the prompt: there is none, it goes on in the same line (`joined`), it answers in
 * a paragraph of its own, or it is a `whole` that holds the prompt's words itself, as filled gaps do.
 */
const LAYOUTS = ["empty", "joined", "answer", "whole"] as const;
type Layout = (typeof LAYOUTS)[number];

/** The prompt as the first paragraph of the sheet. */
export interface Paragraph {
  /** The prompt was edited: the text that a run wrote for another prompt fades until the next run. */
  edited(): void;
  /** A run of the prompt as it stands begins. */
  begin(): void;
  /** The sheet was drawn; `steady` keeps it from getting lower, so that nothing below it moves. */
  drawn(steady: boolean): void;
}

/**
 * A textarea cannot flow into the text that follows it. So a mirror carries the same characters in the same type,
 * unseen, in the flow of the sheet; the textarea lies over it, and its lines break where the mirror's do. The prompt
 * that `<unmask-text>` draws itself is hidden then.
 */
export function createParagraph(page: Page): Paragraph {
  const { running, prompt, mirror } = page;
  let written = "";
  /** A welcome trace is no answer to the prompt, so it cannot be out of date. */
  let used = false;
  let height = 0;
  const fitHeight = (): void => {
    const last = [...mirror.getClientRects()].at(-1);
    if (last === undefined) return;
    // The rectangle is that of the glyphs; half of the line's leading stands below it.
    const leading = Number.parseFloat(getComputedStyle(prompt).lineHeight) - last.height;
    const bottom = last.bottom + leading / 2 - running.getBoundingClientRect().top;
    prompt.style.blockSize = `${Math.ceil(bottom)}px`;
  };
  const show = (): void => {
    // Content of a pseudo-element: the text would otherwise be found, copied and searched twice. A line feed at the
    // end opens a line in a textarea, in running text only when something follows it.
    const text = `${prompt.value === "" ? prompt.placeholder : prompt.value}\u200b`;
    const isNew = mirror.dataset["text"] !== text;
    if (isNew) mirror.dataset["text"] = text;
    running.classList.toggle("stale", layoutOf(running) !== "empty" && used && prompt.value !== written);
    if (isNew) fitHeight();
  };
  const lay = (layout: Layout): void => {
    running.dataset["layout"] = layout;
    running.style.minBlockSize = "";
    height = 0;
  };
  lay("empty");
  let width = 0;
  // Told after the layout of a frame; to ask for the size would make the frame lay out twice.
  const sizes = new ResizeObserver(([entry]) => {
    const size = entry!.contentRect;
    height = Math.ceil(size.height);
    // Another height comes from the text itself; another width breaks the lines anew.
    if (size.width === width) return;
    width = size.width;
    lay(layoutOf(running));
    fitHeight();
  });
  sizes.observe(running);
  void document.fonts.ready.then(fitHeight);
  show();
  return {
    edited: show,
    begin() {
      used = true;
      written = prompt.value;
      const continues = page.mode.value === "story" || page.mode.value === "plain";
      lay(hasGaps(written) ? "whole" : continues ? "joined" : "answer");
      // Tells of the height anew, also where it is the same.
      sizes.disconnect();
      sizes.observe(running);
      show();
    },
    drawn(steady) {
      if (layoutOf(running) === "empty" && page.sheet.text !== "") lay("whole");
      if (steady && height > 0) running.style.minBlockSize = `${height}px`;
    },
  };
}

function layoutOf(running: HTMLElement): Layout {
  return LAYOUTS.find((layout) => layout === running.dataset["layout"]) ?? "empty";
}
