import type { ElementState } from "../element/element.ts";
import type { Page } from "./page.ts";

/** The four figures beside the timeline. */
export function showFigures(figures: Page["figures"], state: ElementState): void {
  figures.step.textContent = state.step === state.steps ? `${state.step}` : `${state.step}/${state.steps}`;
  figures.masks.textContent = String(state.masksLeft);
  figures.forwards.textContent = String(state.forwards);
  const speed = state.tokensPerSecond;
  figures.speed.textContent = speed === 0 ? "–" : speed.toFixed(speed < 100 ? 1 : 0);
}
