import type { StepSummary } from "../element/run-log.ts";
import type { Page } from "./page.ts";

/** The parts of the bar: the graph, getting its answer, and everything else of a step. */
interface Shares {
  readonly model: number;
  readonly read: number;
  readonly rest: number;
}

/** Where the time of these steps went: a bar of three parts, in words, and in milliseconds when asked. */
export function showTime(view: Page["time"], steps: readonly StepSummary[]): void {
  const times = steps.flatMap(({ time }) => (time === undefined ? [] : [time]));
  const sum = (part: keyof (typeof times)[number]) => times.reduce((total, time) => total + time[part], 0);
  const model = sum("run");
  const read = sum("readback");
  const [upload, decide, display] = [sum("upload"), sum("decide"), sum("display")];
  const rest = upload + decide + display;
  const total = model + read + rest;
  view.whole.toggleAttribute("data-empty", total === 0);
  if (total === 0) return;
  const shares = wholePercents({ model, read, rest }, total);
  for (const part of ["model", "read", "rest"] as const) {
    view.parts[part].style.flexGrow = String({ model, read, rest }[part] / total);
    view.words[part].textContent = `${shares[part]} %`;
  }
  const each = (ms: number): string => (ms / times.length).toFixed(ms / times.length < 10 ? 2 : 1);
  view.whole.title =
    `Milliseconds a step: inputs ${each(upload)}, model ${each(model)}, reading back ${each(read)}, ` +
    `deciding ${each(decide)}, telling ${each(display)}`;
}

/** Whole percents that add up to 100; what rounding leaves over goes to the model. */
function wholePercents({ read, rest }: Shares, total: number): Shares {
  const percent = (part: number): number => Math.round((100 * part) / total);
  return { model: 100 - percent(read) - percent(rest), read: percent(read), rest: percent(rest) };
}
