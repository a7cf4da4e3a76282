import type { UnmaskTextElement } from "../../element/element.ts";
import type { StepSummary } from "../../element/run-log.ts";
import { timeOfStep } from "./time-spent.ts";

const MIN_COLUMNS = 32;
/** Tokens in a step that fill the strip's height, unless a step had more. */
const FULL_TOKENS = 4;

/**
 * The strip: one column a step, height = tokens resolved, tint = mean confidence, ticks for remasks and changes of
 * length. The range input over it is the handle, so keys, touch and screen readers work as on any slider; pointed at, it
 * tells where the time of its step went.
 */
export function createTimeline(
  strip: HTMLCanvasElement,
  input: HTMLInputElement,
  sheet: UnmaskTextElement,
): { update(): void } {
  input.addEventListener("input", () => sheet.seek(input.valueAsNumber));
  let size = { width: 0, height: 0 };
  const update = (): void => {
    // Two computed colours of the canvas element itself: custom properties would arrive unresolved. Read before anything is written, or the page would be laid out once more.
    const { color: accent, outlineColor: warning } = getComputedStyle(strip);
    const { step, steps } = sheet.state;
    const done = sheet.state.phase === "done" || sheet.state.phase === "error";
    const columns = done ? Math.max(1, steps) : columnsFor(steps);
    input.disabled = steps === 0;
    input.max = String(steps);
    input.value = String(step);
    input.setAttribute("aria-valuetext", `step ${step} of ${steps}`);
    const { summaries } = sheet;
    input.title = timeOfStep(step, summaries[step - 1]);
    input.style.inlineSize = steps === 0 ? "100%" : `${(steps / columns) * 100}%`;
    drawStrip(strip, size, { accent, warning }, summaries, columns, step);
  };
  new ResizeObserver(([entry]) => {
    size = entry!.contentRect;
    update();
  }).observe(strip);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  return { update };
}

function columnsFor(steps: number): number {
  let columns = MIN_COLUMNS;
  while (columns < steps) columns *= 2;
  return columns;
}

function drawStrip(
  strip: HTMLCanvasElement,
  size: { readonly width: number; readonly height: number },
  { accent, warning }: { readonly accent: string; readonly warning: string },
  steps: readonly StepSummary[],
  columns: number,
  at: number,
): void {
  const scale = devicePixelRatio;
  const width = Math.round(size.width * scale);
  const height = Math.round(size.height * scale);
  if (strip.width !== width) strip.width = width;
  if (strip.height !== height) strip.height = height;
  const context = strip.getContext("2d");
  if (context === null || width === 0) return;
  context.clearRect(0, 0, width, height);
  const full = Math.max(FULL_TOKENS, ...steps.map(({ commits }) => commits));
  const column = width / columns;
  const gap = column > 4 * scale ? scale : 0;
  for (const [index, step] of steps.entries()) {
    const tall = Math.max(scale, Math.sqrt(step.commits / full) * (height - 8 * scale));
    context.globalAlpha = (index < at ? 1 : 0.35) * (step.conf === null ? 0.5 : 0.25 + 0.75 * step.conf);
    context.fillStyle = accent;
    context.fillRect(index * column, height - tall, Math.max(scale, column - gap), tall);
    if (step.remasks === 0 && !step.lengthChange) continue;
    context.globalAlpha = 1;
    context.fillStyle = warning;
    context.fillRect(
      index * column,
      0,
      Math.max(2 * scale, column - gap),
      (step.lengthChange ? 6 : 3) * scale,
    );
  }
}
