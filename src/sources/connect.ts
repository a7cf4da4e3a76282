import { UnmaskError } from "../core/errors.ts";

/**
 * The origins a page may fetch models from: one list, from which the build makes the Content-Security-Policy and the page
 * its own check, so that a blocked address is a sentence instead of a failed request.
 */

/** The hub redirects downloads to varying hosts of its own. */
export const DEFAULT_CONNECT = "https://huggingface.co https://*.huggingface.co https://*.hf.co";

/** `https://host`, `https://*.host` or with a port; http for this machine only. */
const ORIGIN =
  /^(https:\/\/(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?|http:\/\/(localhost|127\.0\.0\.1)(:\d{1,5})?)$/;

/**
 * Reads `UNMASK_CONNECT`: origins separated by spaces or commas; an empty text allows none but the page's own.
 *
 * @throws UnmaskError `invalid-options` for anything else, which could change the policy it is pasted into
 */
export function parseConnect(text: string): string[] {
  const origins = text.split(/[\s,]+/).filter((part) => part !== "");
  for (const origin of origins) {
    if (!ORIGIN.test(origin)) {
      throw new UnmaskError(
        "invalid-options",
        `UNMASK_CONNECT holds ${JSON.stringify(origin)}, which is no origin.`,
      );
    }
  }
  return [...new Set(origins)];
}

/** @throws UnmaskError `source-blocked` when the page's policy would block `url` */
export function requireAllowed(url: string, connect: readonly string[], pageOrigin: string): void {
  const { origin, protocol, hostname, port } = new URL(url);
  const isListed = connect.some((entry) => {
    if (!entry.startsWith("https://*.")) return entry === origin;
    const [host = "", listedPort = ""] = entry.slice("https://*.".length).split(":");
    return protocol === "https:" && port === listedPort && hostname.endsWith(`.${host}`);
  });
  if (isListed || origin === pageOrigin) return;
  const message = `This page does not fetch from ${origin}. Download the model and drop its folder or files here.`;
  throw new UnmaskError("source-blocked", message, { detail: { origin } });
}
