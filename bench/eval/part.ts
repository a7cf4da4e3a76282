import type { Lab } from "../harness/lab.ts";
import type { Table } from "../harness/table.ts";
import type { Target } from "../harness/targets.ts";

/** One part of an evaluation, planned: its units are known, none has run. */
export interface PlannedPart {
  /** See {@link Unit}. */
  readonly cost: number;
  /** Runs what the journal does not have. */
  measure(lab: Lab): Promise<PartResult>;
}

export interface PartResult {
  readonly json: Readonly<Record<string, unknown>>;
  readonly table: Table;
  /** Goals for a model of 10 M parameters, as far as this part decides them. */
  readonly targets?: readonly Target[];
}

/** Why a part, or a piece of one, is left out. */
export interface Skip {
  readonly skipped: string;
}

export function isSkip(value: object): value is Skip {
  return "skipped" in value;
}
