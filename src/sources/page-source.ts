import type { CheckpointFolder } from "../convert/checkpoint/byte-source.ts";
import { parseConnect, requireAllowed } from "./connect.ts";
import { type HubOptions, hubFolder } from "./hub-folder.ts";
import { HUB, parseLocator } from "./locator.ts";
import { urlFolder } from "./url-folder.ts";

/** Put in by the build of the page (vite.config.ts) from `UNMASK_CONNECT`; a page that bundles the library has its own. */
declare const __UNMASK_CONNECT__: string | undefined;

/** What a page may reach, and how. */
export interface PageSourceOptions extends HubOptions {
  /** Origins the page's policy lets it reach; left out, those the page was built with. */
  readonly connect?: readonly string[];
}

/** A checkpoint on the network and what is known of it by its address. */
export interface NamedSource {
  readonly folder: CheckpointFolder;
  /** The last part of the repository's name or of the address. */
  readonly name: string;
  /** `owner/name@commit`, or the address. */
  readonly origin: string;
  /** Where its files stand, ending in a slash. */
  readonly base: string;
}

/** The folder of {@link openNamedSource}. */
export async function openPageSource(text: string, options: PageSourceOptions): Promise<CheckpointFolder> {
  return (await openNamedSource(text, options)).folder;
}

/**
 * A checkpoint that the user of a page names: `owner/name[@revision]` or an address.
 *
 * @throws UnmaskError `source-blocked` for an origin that the page may not reach, and what opening the folder throws
 */
export async function openNamedSource(text: string, options: PageSourceOptions): Promise<NamedSource> {
  const built = typeof __UNMASK_CONNECT__ === "string" ? __UNMASK_CONNECT__ : "";
  const connect = options.connect ?? parseConnect(built);
  const locator = parseLocator(text);
  const endpoint = options.endpoint ?? HUB;
  const address = locator.kind === "hub" ? endpoint : locator.base;
  requireAllowed(address, connect, globalThis.location?.origin ?? "");
  if (locator.kind === "url") {
    const { base, graph } = locator;
    const name = new URL(base).pathname.split("/").at(-2) || "model";
    return { folder: urlFolder(base, options, graph), name, origin: `${base}${graph ?? ""}`, base };
  }
  const folder = await hubFolder(locator, options);
  const { repo, commit } = folder;
  const base = `${endpoint.replace(/\/+$/, "")}/${repo}/resolve/${commit}/`;
  return { folder, name: repo.split("/")[1] ?? repo, origin: `${repo}@${commit}`, base };
}
