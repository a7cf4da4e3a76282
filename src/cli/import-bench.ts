import { existsSync } from "node:fs";
import { UnmaskError } from "../core/errors.ts";

/**
 * A module of `bench/`. Its name is put together at run time: measuring needs the checkout (sources, fixtures,
 * development packages) and is not part of the package.
 *
 * @throws UnmaskError `usage` where there is no checkout, or the checkout does not have it
 */
export async function importBench<T>(name: string): Promise<T> {
  const file = new URL(`../../bench/${name}.ts`, import.meta.url);
  if (!existsSync(file)) {
    throw new UnmaskError("usage", `"${name}" is not here: measuring runs from a checkout that has it.`);
  }
  return (await import(/* @vite-ignore */ file.href)) as T; // the caller names the module's type
}
