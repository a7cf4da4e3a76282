import type { OptionValues } from "../../src/cli/command.ts";
import { numberOption } from "../../src/cli/generation-options.ts";
import { UnmaskError } from "../../src/core/errors.ts";

/** A whole number from 1 on. @throws UnmaskError `invalid-options` */
export function countOption(values: OptionValues, name: string, otherwise: number): number {
  const count = numberOption(values, name) ?? otherwise;
  if (Number.isInteger(count) && count >= 1) return count;
  throw new UnmaskError("invalid-options", `--${name} must be a whole number from 1 on, got ${count}.`, {
    detail: { option: name },
  });
}
