import type { ElementState } from "../../element/element.ts";
import type { Page } from "../page.ts";

/** The four figures beside the timeline. */
export function showFigures(figures: Page["figures"], state: ElementState): void {
  const speed = state.tokensPerSecond;
  write(figures.step, state.step === state.steps ? `${state.step}` : `${state.step}/${state.steps}`);
  write(figures.masks, String(state.masksLeft));
  write(figures.forwards, String(state.forwards));
  write(figures.speed, speed === 0 ? "–" : speed.toFixed(speed < 100 ? 1 : 0));
}

/** The same text again would be laid out again. */
function write(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
