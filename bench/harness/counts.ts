import type { OptionValues } from "../../src/cli/command.ts";
import { numberOption } from "../../src/cli/generate/generation-options.ts";
import { UnmaskError } from "../../src/core/errors.ts";
import { nearest } from "../../src/core/nearest.ts";

/** A whole number from 1 on. @throws UnmaskError `invalid-options` */
export function countOption(values: OptionValues, name: string, otherwise: number): number {
  const count = numberOption(values, name) ?? otherwise;
  if (Number.isInteger(count) && count >= 1) return count;
  throw new UnmaskError("invalid-options", `--${name} must be a whole number from 1 on, got ${count}.`, {
    detail: { option: name },
  });
}

/** Cells of canvases, comma-separated; undefined where none are named. @throws UnmaskError `invalid-options` */
export function canvasOption(value: unknown): readonly number[] | undefined {
  if (typeof value !== "string") return undefined;
  return value.split(",").map((text) => {
    const cells = Number(text);
    if (Number.isInteger(cells) && cells >= 64 && cells <= 65_536) return cells;
    throw new UnmaskError(
      "invalid-options",
      `--canvas takes whole numbers from 64 on, not "${text.slice(0, 40)}".`,
      { detail: { option: "canvas" } },
    );
  });
}

/** Names of parts, comma-separated; undefined where none are named. @throws UnmaskError `invalid-options` */
export function partsOption<Part extends string>(
  value: unknown,
  known: readonly Part[],
): readonly Part[] | undefined {
  if (typeof value !== "string") return undefined;
  return value.split(",").map((text) => {
    const part = known.find((name) => name === text.trim());
    if (part !== undefined) return part;
    const near = nearest(text.trim(), known);
    throw new UnmaskError(
      "invalid-options",
      `There is no part "${text.slice(0, 40)}". Did you mean "${near}"?`,
      { detail: { option: "part" } },
    );
  });
}
