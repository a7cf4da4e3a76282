import { runningSha256 } from "../../math/running-hash.ts";
import type { CheckpointFolder } from "../checkpoint/byte-source.ts";
import { readAll } from "../checkpoint/checkpoint.ts";
import type { ConvertOptions } from "../convert-options.ts";
import { SIDECAR } from "../sidecar.ts";
import type { FoundGraph } from "./export-folder.ts";

/** Raised when the same source and options no longer give the same files. */
const REVISION = 1;

/** Names what is taken over of an export, as `conversionKey` does for checkpoints. */
export async function exportKey(
  folder: CheckpointFolder,
  graphs: readonly FoundGraph[],
  { profile, mask }: Pick<ConvertOptions, "profile" | "mask">,
): Promise<string> {
  const hash = runningSha256();
  const add = (value: unknown) => hash.update(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  add(["export", REVISION, profile ?? "", mask ?? ""]);
  const names = await folder.names();
  for (const name of ["config.json", "tokenizer.json", SIDECAR].filter((file) => names.includes(file))) {
    hash.update(await readAll(await folder.open(name), name));
  }
  for (const { file, version } of graphs) add([file, version]);
  return hash.digest();
}
