import { UnmaskError } from "../core/errors.ts";

/** What a user may name as a source that is not on this machine. */
export type Locator =
  | { readonly kind: "hub"; readonly repo: string; readonly revision: string }
  /** A folder; ends with a slash. `graph` is the path below it of the ONNX graph that was named. */
  | { readonly kind: "url"; readonly base: string; readonly graph?: string };

export const HUB = "https://huggingface.co";
/** Hosts whose addresses are repositories rather than folders. */
const HUB_HOSTS: ReadonlySet<string> = new Set(["huggingface.co", "www.huggingface.co", "hf.co"]);

const PART = "[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?";
const REPO = new RegExp(`^${PART}/${PART}$`);
const NAME = new RegExp(`^(${PART}/${PART})(?:@(.+))?$`);
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/;

/** True for texts of the form `owner/name` or `owner/name@revision`. */
export function isHubName(text: string): boolean {
  return NAME.test(text);
}

/**
 * Reads `owner/name[@revision]`, a hub address `https://huggingface.co/owner/name[@revision | /tree/revision]`, or the
 * address of a folder or of one of its files.
 *
 * @throws UnmaskError `not-found` when the text is none of them
 */
export function parseLocator(text: string): Locator {
  const trimmed = text.trim();
  const name = NAME.exec(trimmed);
  if (name !== null) return hub(name[1]!, name[2]);
  if (!/^https?:\/\//.test(trimmed) || !URL.canParse(trimmed)) {
    throw new UnmaskError("not-found", `"${trimmed.slice(0, 200)}" is neither owner/name nor an address.`);
  }
  const url = new URL(trimmed);
  if (url.username !== "" || url.password !== "") {
    throw new UnmaskError("source-blocked", "An address with a user name or password in it is not opened.");
  }
  if (HUB_HOSTS.has(url.hostname)) return hubAddress(url);
  url.hash = "";
  url.search = "";
  const last = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  const [, parent = "", graph] = /(?:^|\/)(onnx\/)?([^/]+\.onnx)$/.exec(url.pathname) ?? [];
  if (graph !== undefined) {
    url.pathname = url.pathname.slice(0, -(parent.length + graph.length));
    return { kind: "url", base: url.href, graph: `${parent}${graph}` };
  }
  const isFile = /\.(safetensors|json|jinja)$/.test(last);
  if (isFile) url.pathname = url.pathname.slice(0, -last.length);
  else if (!url.pathname.endsWith("/")) url.pathname += "/";
  return { kind: "url", base: url.href };
}

function hubAddress(url: URL): Locator {
  const path = decodeURIComponent(url.pathname).replace(/^\/|\/$/g, "");
  const [, repo, verb, revision, at] =
    /^([^/@]+\/[^/@]+)(?:\/(tree|blob|resolve)\/([^/]+)(?:\/.*)?|@(.+))?$/.exec(path) ?? [];
  if (repo === undefined) {
    throw new UnmaskError("not-found", `${url.href} is not the address of a model repository.`);
  }
  return hub(repo, verb === undefined ? at : revision);
}

function hub(repo: string, revision = "main"): Locator {
  if (!REPO.test(repo) || repo.includes("..")) {
    throw new UnmaskError("not-found", `"${repo.slice(0, 200)}" is not the name of a repository.`);
  }
  if (!REVISION.test(revision) || revision.includes("..") || revision.length > 200) {
    throw new UnmaskError(
      "not-found",
      `"${revision.slice(0, 200)}" is not the name of a revision of ${repo}.`,
    );
  }
  return { kind: "hub", repo, revision };
}
