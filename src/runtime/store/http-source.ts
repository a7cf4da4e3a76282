import { UnmaskError } from "../../core/errors.ts";
import { streamUrl } from "../../sources/http-transfer.ts";
import { PATIENCE, type Patience } from "../../sources/patience.ts";
import type { BundleSource } from "./source.ts";

/** A bundle folder on a web server. Cut connections, stalls and answers of 5xx, 408 and 429 are tried again. */
export function httpSource(model: string, patience: Partial<Patience> = {}): BundleSource {
  const base = model.endsWith("/") ? model : `${model}/`;
  if (!URL.canParse(base)) throw new UnmaskError("not-found", `"${model}" is not an address.`);
  const whole = { ...PATIENCE, ...patience };
  return {
    name: base,
    read: (path, signal, start = 0) => streamUrl(new URL(path, base).href, signal, start, whole),
  };
}
