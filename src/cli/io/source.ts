import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import type { CheckpointFolder } from "../../convert/checkpoint/byte-source.ts";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { UnmaskError } from "../../core/errors.ts";
import { hubFolder } from "../../sources/hub-folder.ts";
import { HUB, isHubName, parseLocator } from "../../sources/locator.ts";
import { nodeSpools } from "../../sources/node-spool.ts";
import { urlFolder } from "../../sources/url-folder.ts";
import type { CommandIo, OptionValues } from "../command.ts";

export const HUB_OPTION = { hub: { type: "string" } } as const;
export const HUB_HELP = {
  hub: `address of the model hub for owner/name sources (default: HF_ENDPOINT, else ${HUB})`,
} as const;

/** What a command line names as its source. Disposing of it removes what was kept on disk for it. */
export interface CliSource extends AsyncDisposable {
  readonly kind: "folder" | "hub" | "url";
  readonly folder: CheckpointFolder;
  /** The folder's path, or the address of the folder. */
  readonly location: string;
  /** What to call a bundle made from it. */
  readonly label: string;
}

const CHECKPOINT_FILE =
  /^(model[A-Za-z0-9_.-]*\.safetensors(\.index\.json)?|config\.json|[A-Za-z0-9_.-]+\.onnx)$/;

/**
 * A folder, a file of a checkpoint folder, an address, or `owner/name[@revision]`. What is on this machine comes first.
 *
 * @throws UnmaskError `not-found`, `source-blocked`, `download-failed`, `aborted`, `invalid-options`
 */
export async function openCliSource(
  text: string,
  values: OptionValues,
  { signal }: Pick<CommandIo, "signal">,
): Promise<CliSource> {
  const path = resolve(text);
  const isAddress = /^https?:\/\//.test(text);
  const info = isAddress ? undefined : await stat(path).catch(() => undefined);
  if (!isAddress && (info !== undefined || !isHubName(text))) {
    const isPart = info?.isFile() === true && CHECKPOINT_FILE.test(basename(path));
    const location = isPart ? modelFolder(path) : path;
    return {
      kind: "folder",
      folder: nodeFolder(location),
      location,
      label: basename(location),
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const locator = parseLocator(text);
  const spools = nodeSpools();
  const options = { signal, openSpool: spools.openSpool };
  const dispose = { [Symbol.asyncDispose]: () => spools[Symbol.asyncDispose]() };
  if (locator.kind === "url") {
    const label = new URL(locator.base).pathname.split("/").at(-2) || "model";
    return {
      kind: "url",
      folder: urlFolder(locator.base, options, locator.graph),
      location: locator.base,
      label,
      ...dispose,
    };
  }
  const endpoint = endpointOf(values);
  const folder = await hubFolder(locator, { ...options, endpoint });
  return {
    kind: "hub",
    folder,
    location: `${locator.repo}@${folder.commit}`,
    label: basename(locator.repo),
    ...dispose,
  };
}

/** Where the model of a file stands; the graphs of an export are in a folder of their own. */
function modelFolder(file: string): string {
  const folder = dirname(file);
  return file.endsWith(".onnx") && basename(folder) === "onnx" ? dirname(folder) : folder;
}

function endpointOf(values: OptionValues): string | undefined {
  const given = values["hub"] ?? process.env["HF_ENDPOINT"];
  if (typeof given !== "string" || given === "") return undefined;
  if (!/^https?:\/\//.test(given) || !URL.canParse(given)) {
    throw new UnmaskError("invalid-options", `The hub "${given.slice(0, 200)}" is not an address.`);
  }
  return given;
}
