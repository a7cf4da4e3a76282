import { runningSha256 } from "../math/running-hash.ts";
import { type Checkpoint, readAll } from "./checkpoint/checkpoint.ts";
import type { ConvertOptions } from "./convert-options.ts";
import { SIDECAR } from "./sidecar.ts";

/** Raised when the same source and options no longer give the same files. */
const REVISION = 2;

/**
 * Names what is converted and how: the configuration, the headers, the versions of the weight files and the options. Two
 * runs with the same key write the same bytes.
 */
export async function conversionKey(
  { folder, tensors }: Checkpoint,
  { dtypes, profile, mask, q4 = [] }: Pick<ConvertOptions, "dtypes" | "profile" | "mask" | "q4">,
): Promise<string> {
  const hash = runningSha256();
  const add = (value: unknown) => hash.update(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  add([REVISION, [...dtypes].sort(), profile ?? "", mask ?? "", ...q4]);
  const names = await folder.names();
  for (const name of ["config.json", "tokenizer.json", SIDECAR].filter((file) => names.includes(file))) {
    hash.update(await readAll(await folder.open(name), name));
  }
  for (const { name, dtype, shape, offset, source } of tensors.values()) {
    add([name, dtype, shape, offset, source.size, source.version ?? ""]);
  }
  return hash.digest();
}
