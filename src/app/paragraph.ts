import { hasGaps } from "../engine/gaps.ts";
import type { Page } from "./page.ts";

/** How the text on the sheet stands to the prompt: it goes on from it, it is a whole of its own, or there is none. */
type Layout = "empty" | "joined" | "whole";

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
 * that `<unmask-text>` draws itself is hidden then. Filled gaps and answers to tasks are wholes and stand below.
 */
export function createParagraph(page: Page): Paragraph {
  const { running, prompt, mirror } = page;
  let written = "";
  let tallest = 0;
  const fitHeight = (): void => {
    const bottom = Math.max(0, ...[...mirror.getClientRects()].map((rect) => rect.bottom));
    const height = bottom - running.getBoundingClientRect().top;
    prompt.style.blockSize = `${Math.max(0, Math.ceil(height))}px`;
  };
  const show = (): void => {
    // Content of a pseudo-element: the text would otherwise be found, copied and searched twice. A line feed at the
    // end opens a line in a textarea, in running text only when something follows it.
    mirror.dataset["text"] = `${prompt.value === "" ? prompt.placeholder : prompt.value}\u200b`;
    running.classList.toggle("stale", running.dataset["layout"] === "joined" && prompt.value !== written);
    fitHeight();
  };
  const lay = (layout: Layout): void => {
    running.dataset["layout"] = layout;
    tallest = 0;
    running.style.minBlockSize = "";
  };
  lay("empty");
  new ResizeObserver(() => {
    lay(layoutOf(running));
    fitHeight();
  }).observe(page.form);
  void document.fonts.ready.then(fitHeight);
  show();
  return {
    edited: show,
    begin() {
      written = prompt.value;
      const continued = !hasGaps(written) && (page.mode.value === "story" || page.mode.value === "plain");
      lay(continued ? "joined" : "whole");
      show();
    },
    drawn(steady) {
      if (running.dataset["layout"] === "empty" && page.sheet.text !== "") lay("whole");
      const height = running.getBoundingClientRect().height;
      if (!steady || height <= tallest) return;
      tallest = height;
      running.style.minBlockSize = `${Math.ceil(height)}px`;
    },
  };
}

function layoutOf(running: HTMLElement): Layout {
  const layout = running.dataset["layout"];
  return layout === "joined" || layout === "whole" ? layout : "empty";
}
