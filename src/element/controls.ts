import { hasGaps } from "../engine/ask/gap-pattern.ts";
import CONTROLS_CSS from "./controls.css?inline";
import { controlsView, loadMessage } from "./controls-view.ts";
import type { UnmaskTextElement } from "./element.ts";
import { makePart } from "./parts.ts";

/**
 * The controls below a sheet, shown by the attribute `controls`: write or stop, play or pause, a slider over the steps,
 * progress and outcome in words. They use nothing but the element's public face.
 */
export function createControls(sheet: UnmaskTextElement): HTMLElement {
  const root = makePart("div", "controls");
  const write = makePart("button", "write");
  const play = makePart("button", "play");
  const scrub = makePart("input", "scrub");
  const progress = makePart("progress", "progress");
  const message = makePart("span", "message");
  // A constructed style sheet, as an inline one is against a strict policy.
  const css = new CSSStyleSheet();
  css.replaceSync(CONTROLS_CSS);
  sheet.shadowRoot?.adoptedStyleSheets.push(css);
  write.type = "button";
  play.type = "button";
  scrub.type = "range";
  scrub.ariaLabel = "Step";
  progress.ariaLabel = "Loading the model";
  message.role = "status";
  root.append(write, play, scrub, progress, message);

  let outcome = "";
  let said = "";
  /** One live region: with the outcome it tells, to screen readers alone, the text that was written. */
  const say = (text: string): void => {
    said = text;
    message.textContent = text;
    if (!text.startsWith("done") || sheet.text === "") return;
    const unseen = document.createElement("span");
    unseen.className = "unseen";
    unseen.textContent = `. ${sheet.text}`;
    message.append(unseen);
  };
  const show = (): void => {
    const { state } = sheet;
    const view = controlsView(state, sheet.hasModel, outcome);
    label(write, view.write);
    label(play, view.play);
    write.disabled = sheet.disabled;
    play.disabled = sheet.disabled;
    scrub.hidden = state.steps === 0;
    scrub.max = String(state.steps);
    scrub.value = String(state.step);
    scrub.setAttribute(
      "aria-valuetext",
      `step ${state.step} of ${state.steps}, ${state.masksLeft} masks left`,
    );
    progress.hidden = state.phase !== "loading";
    if (state.phase !== "loading" && said !== view.message) say(view.message);
  };
  write.addEventListener("click", () => {
    if (write.textContent === "Stop") return sheet.abort();
    outcome = "";
    const gaps = hasGaps(sheet.prompt ?? "");
    // A failure arrives as `unmask-error`.
    void (gaps ? sheet.infill() : sheet.generate()).catch(() => undefined);
  });
  play.addEventListener("click", () => (play.textContent === "Pause" ? sheet.pause() : sheet.resume()));
  scrub.addEventListener("input", () => sheet.seek(scrub.valueAsNumber));
  sheet.addEventListener("unmask-progress", ({ detail }) => {
    progress.max = Math.max(1, detail.totalBytes);
    if (detail.phase === "downloading") progress.value = detail.bytes;
    else progress.removeAttribute("value");
    say(loadMessage(detail));
  });
  sheet.addEventListener("unmask-done", ({ detail: { reason, effectiveTokens } }) => {
    outcome = reason === "aborted" ? "done: stopped" : `done: ${effectiveTokens} tokens`;
    show();
  });
  sheet.addEventListener("unmask-error", ({ detail: error }) => {
    outcome = error.code === "aborted" ? "done: stopped" : `${error.message} (${error.code})`;
    show();
  });
  let frame = 0;
  sheet.addEventListener("unmask-draw", () => {
    cancelAnimationFrame(frame);
    // The frame that draws the text stays short.
    if (sheet.state.phase === "generating") frame = requestAnimationFrame(show);
    else show();
  });
  return root;
}

function label(button: HTMLButtonElement, text: string | undefined): void {
  button.hidden = text === undefined;
  if (text !== undefined && button.textContent !== text) button.textContent = text;
}
