import type { Table } from "./table.ts";

/** A goal that was set before it was measured. */
export interface Target {
  readonly what: string;
  readonly target: string;
  /** null: not measured in this run. */
  readonly measured: string | null;
  readonly holds: boolean | null;
}

export function targetTable(targets: readonly Target[]): Table {
  return {
    title: "Targets",
    columns: ["what", "target", "measured", ""],
    rows: targets.map(({ what, target, measured, holds }) => [
      what,
      target,
      measured ?? "not measured",
      holds === null ? "open" : holds ? "met" : "missed",
    ]),
  };
}

/** A goal that is a number and no more. @param unit stands behind both, such as ` %` */
export function atMost(what: string, most: number, measured: number, digits: number, unit = ""): Target {
  return {
    what,
    target: `at most ${most}${unit}`,
    measured: measured.toFixed(digits) + unit,
    holds: measured <= most,
  };
}

/** A goal that is a number and no less. */
export function atLeast(what: string, least: number, measured: number, digits: number, unit = ""): Target {
  return {
    what,
    target: `at least ${least}${unit}`,
    measured: measured.toFixed(digits) + unit,
    holds: measured >= least,
  };
}
