import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server does to one request instead of answering it rightly. */
export type HubFault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection ends after so many bytes of the answer. */
  | { readonly kind: "cut"; readonly after: number }
  /** One byte after another, for ever; `sent` hears of each. */
  | { readonly kind: "drip"; readonly sent?: () => void }
  /** The answer ends in good order, but holds so many bytes fewer (or more) than it should. */
  | { readonly kind: "length"; readonly by: number }
  | { readonly kind: "no-ranges" }
  /** The file is another one. */
  | { readonly kind: "other"; readonly etag: string; readonly bytes?: Uint8Array };

export interface HubRequest {
  readonly kind: "api" | "resolve" | "cdn";
  /** File name; empty for the API. */
  readonly file: string;
  /** Requests of this kind for this file so far, from 1 on. */
  readonly count: number;
}

export interface HubServer extends AsyncDisposable {
  readonly url: string;
  readonly repo: string;
  readonly commit: string;
  /** `kind file start-end`, one a request. */
  readonly log: string[];
  /** Signed addresses given out so far are refused from now on. */
  expire(): void;
}

const DRIP_MS = 5;
const REPO = "owner/model";
const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/**
 * Answers as a model hub does: a listing with the commit, small files at `resolve`, large ones behind a redirect to a
 * signed address that expires.
 */
export async function hubServer(
  files: Readonly<Record<string, Uint8Array>>,
  faultOf: (request: HubRequest) => HubFault | undefined = () => undefined,
): Promise<HubServer> {
  const log: string[] = [];
  const counts = new Map<string, number>();
  let signature = 1;
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://hub");
    const [, kind, revision, file = ""] = /^\/(?:owner\/model\/)?(resolve)\/([^/]+)\/(.+)$/.exec(
      url.pathname,
    ) ??
      /^\/(cdn)\/([^/]+)\/(.+)$/.exec(url.pathname) ??
      /^\/(api)\/models\/owner\/model\/revision\/([^/]+)$/.exec(url.pathname) ?? [undefined, "none"];
    if (kind !== "api" && kind !== "resolve" && kind !== "cdn") return void response.writeHead(404).end();
    const key = `${kind} ${file}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    log.push(`${key}${range === null ? "" : ` ${range[1]}-${range[2]}`}`);
    const fault = faultOf({ kind, file, count });
    if (fault?.kind === "status") return void response.writeHead(fault.status, fault.headers).end("no");
    if (kind === "api") return void answerApi(response, files, revision ?? "");
    const bytes = files[file];
    if (bytes === undefined) {
      return void response.writeHead(404, { "X-Error-Code": "EntryNotFound" }).end();
    }
    if (kind === "resolve" && /\.(safetensors|onnx|data)$/.test(file)) {
      const location = `/cdn/${signature}/${file}?signature=${signature}`;
      return void response.writeHead(302, { Location: location, "X-Repo-Commit": COMMIT }).end();
    }
    if (kind === "cdn" && revision !== String(signature)) return void response.writeHead(403).end("expired");
    void answerFile(response, bytes, range, fault);
  };
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a TCP server has one
    repo: REPO,
    commit: COMMIT,
    log,
    expire: () => {
      signature++;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerApi(
  response: ServerResponse,
  files: Readonly<Record<string, Uint8Array>>,
  revision: string,
): void {
  if (revision !== "main" && revision !== COMMIT) {
    response.writeHead(404, { "X-Error-Code": "RevisionNotFound" }).end();
    return;
  }
  const siblings = Object.entries(files).map(([rfilename, bytes]) => ({ rfilename, size: bytes.length }));
  const hostile = [{ rfilename: "../outside.json", size: 1 }, { rfilename: "onnx/../model.onnx" }];
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ id: REPO, sha: COMMIT, siblings: [...siblings, ...hostile] }));
}

async function answerFile(
  response: ServerResponse,
  file: Uint8Array,
  range: RegExpExecArray | null,
  fault: HubFault | undefined,
): Promise<void> {
  const bytes = fault?.kind === "other" ? (fault.bytes ?? file) : file;
  const etag = fault?.kind === "other" ? fault.etag : '"first"';
  const isPart = range !== null && fault?.kind !== "no-ranges";
  const start = isPart ? Number(range[1]) : 0;
  const end = isPart && range[2] !== "" ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
  if (isPart && start >= bytes.length) {
    response.writeHead(416, { "Content-Range": `bytes */${bytes.length}` }).end();
    return;
  }
  const extra = fault?.kind === "length" ? fault.by : 0;
  const asked = bytes.subarray(start, end);
  const body = new Uint8Array(Math.max(0, asked.length + extra));
  body.set(asked.subarray(0, body.length));
  response.writeHead(isPart ? 206 : 200, {
    ETag: etag,
    "Content-Length": body.length,
    ...(isPart && { "Content-Range": `bytes ${start}-${end - 1}/${bytes.length}` }),
  });
  if (fault?.kind === "drip") {
    let at = 0;
    const timer = setInterval(() => response.write(body.subarray(at, ++at), () => fault.sent?.()), DRIP_MS);
    response.on("close", () => clearInterval(timer));
    return;
  }
  if (fault?.kind !== "cut") return void response.end(body);
  // Not destroyed: a reset may overtake the bytes.
  response.write(body.subarray(0, fault.after), () => response.socket?.end());
}
