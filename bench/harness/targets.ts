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
