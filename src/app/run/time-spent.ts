import type { StepSummary } from "../../element/run-log.ts";
import type { Page } from "../page.ts";

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
  const each = (ms: number): number => ms / times.length;
  const middle = { upload: each(upload), run: each(model), readback: each(read) };
  view.whole.title = `Milliseconds a step: ${inWords({ ...middle, decide: each(decide), display: each(display) })}`;
}

/** Where the time of one step went; "" where it is not known, as in recordings without times. */
export function timeOfStep(step: number, summary: StepSummary | undefined): string {
  return summary?.time === undefined ? "" : `Milliseconds of step ${step}: ${inWords(summary.time)}`;
}

function inWords({ upload, run, readback, decide, display }: NonNullable<StepSummary["time"]>): string {
  const shown = (ms: number): string => ms.toFixed(ms < 10 ? 2 : 1);
  return (
    `inputs ${shown(upload)}, model ${shown(run)}, reading back ${shown(readback)}, ` +
    `deciding ${shown(decide)}, telling ${shown(display)}`
  );
}

/** Whole percents that add up to 100; what rounding leaves over goes to the model. */
function wholePercents({ read, rest }: Shares, total: number): Shares {
  const percent = (part: number): number => Math.round((100 * part) / total);
  return { model: 100 - percent(read) - percent(rest), read: percent(read), rest: percent(rest) };
}
