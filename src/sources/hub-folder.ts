import * as v from "valibot";
import { type CheckpointFolder, memorySource } from "../convert/checkpoint/byte-source.ts";
import { UnmaskError } from "../core/errors.ts";
import { type HttpOptions, httpFile } from "./http-file.ts";
import { streamUrl } from "./http-transfer.ts";
import { HUB, type Locator } from "./locator.ts";
import { PATIENCE, type Patience } from "./patience.ts";

/** A repository of a model hub at one commit. */
export interface HubFolder extends CheckpointFolder {
  readonly repo: string;
  /** 40 hex digits; every file is read at this commit, whatever the branch does meanwhile. */
  readonly commit: string;
}

/** How a hub is reached. */
export interface HubOptions extends HttpOptions {
  /** Base address of the hub, a mirror's for instance. */
  readonly endpoint?: string | undefined;
}

/** Files up to here are fetched whole: one request, no range, and a compressed answer does no harm. */
const WHOLE_BYTES = 1_000_000;
const MAX_LISTING_BYTES = 16_000_000;
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

const listing = v.looseObject({
  sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
  siblings: v.pipe(
    v.array(
      v.looseObject({
        rfilename: v.string(),
        size: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      }),
    ),
    v.maxLength(20_000),
  ),
});

/**
 * Asks the hub what `revision` is and what stands in it. Names that are not plain are left out.
 *
 * @throws UnmaskError `not-found`, `source-blocked`, `download-failed`, `aborted`
 */
export async function hubFolder(
  { repo, revision }: Extract<Locator, { kind: "hub" }>,
  options: HubOptions,
): Promise<HubFolder> {
  const endpoint = (options.endpoint ?? HUB).replace(/\/+$/, "");
  const patience = { ...PATIENCE, ...options.patience };
  const address = `${endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const { sha, siblings } = await readListing(address, options.signal, patience).catch((cause: unknown) => {
    throw named(cause, repo, revision);
  });
  /** The files right below `parent`, which is empty or ends in a slash. */
  const folderAt = (parent: string): CheckpointFolder => {
    const sizes = new Map<string, number | undefined>();
    for (const { rfilename, size } of siblings) {
      const name = rfilename.startsWith(parent) ? rfilename.slice(parent.length) : "";
      if (FILE_NAME.test(name)) sizes.set(name, size);
    }
    return {
      name: `${repo}@${sha.slice(0, 7)}`,
      remote: true,
      names: async () => [...sizes.keys()],
      open: async (name) => {
        const path = `${parent}${name}`;
        if (!sizes.has(name)) throw new UnmaskError("not-found", `There is no file ${path} in ${repo}.`);
        const size = sizes.get(name);
        const url = `${endpoint}/${repo}/resolve/${sha}/${path}`;
        const version = `${sha} ${path}`;
        if (size === undefined || size > WHOLE_BYTES)
          return { ...(await httpFile(url, options, size)), version };
        return { ...memorySource(await readWhole(url, size, options.signal, patience)), version };
      },
      inner: async (name) => {
        const inside = `${parent}${name}/`;
        const isThere =
          FILE_NAME.test(name) && siblings.some(({ rfilename }) => rfilename.startsWith(inside));
        return isThere ? folderAt(inside) : undefined;
      },
    };
  };
  return { ...folderAt(""), repo, commit: sha };
}

async function readListing(
  url: string,
  signal: AbortSignal,
  patience: Patience,
): Promise<v.InferOutput<typeof listing>> {
  const text = new TextDecoder().decode(await readWhole(url, undefined, signal, patience));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const result = v.safeParse(listing, json);
  if (result.success) return result.output;
  const where = v.getDotPath(result.issues[0]);
  throw new UnmaskError(
    "download-failed",
    `${url} does not answer as a model hub does${where === null ? "" : ` (at ${where})`}.`,
    { detail: { url } },
  );
}

async function readWhole(
  url: string,
  size: number | undefined,
  signal: AbortSignal,
  patience: Patience,
): Promise<Uint8Array<ArrayBuffer>> {
  const limit = size ?? MAX_LISTING_BYTES;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const part of streamUrl(url, signal, 0, patience)) {
    bytes += part.length;
    if (bytes > limit) break;
    parts.push(part);
  }
  if (bytes > limit || (size !== undefined && bytes < size)) {
    throw new UnmaskError("file-truncated", `${url} sends ${bytes} bytes; it should have ${limit}.`, {
      detail: { url, bytes, expectedBytes: limit },
    });
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** The hub's refusals in the user's words: the address of its API says nothing to them. */
function named(cause: unknown, repo: string, revision: string): unknown {
  if (!(cause instanceof UnmaskError)) return cause;
  const at = revision === "main" ? repo : `${repo}@${revision}`;
  const { code, detail } = cause;
  if (code === "not-found") {
    return new UnmaskError(code, `The hub has no ${at}.`, { detail: { ...detail, repo }, cause });
  }
  if (code === "source-blocked") {
    const message = `The hub does not show ${at}: it does not exist, is private, or its terms must be accepted first. Download it where you are signed in and give the folder instead.`;
    return new UnmaskError(code, message, { detail: { ...detail, repo }, cause });
  }
  return cause;
}
