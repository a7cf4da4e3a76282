import type { CheckpointFolder } from "../convert/byte-source.ts";
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

/**
 * A checkpoint that the user of a page names: `owner/name[@revision]` or an address.
 *
 * @throws UnmaskError `source-blocked` for an origin that the page may not reach, and what opening the folder throws
 */
export async function openPageSource(text: string, options: PageSourceOptions): Promise<CheckpointFolder> {
  const built = typeof __UNMASK_CONNECT__ === "string" ? __UNMASK_CONNECT__ : "";
  const connect = options.connect ?? parseConnect(built);
  const locator = parseLocator(text);
  requireAllowed(
    locator.kind === "hub" ? (options.endpoint ?? HUB) : locator.base,
    connect,
    globalThis.location?.origin ?? "",
  );
  return locator.kind === "hub" ? hubFolder(locator, options) : urlFolder(locator.base, options);
}
