import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

/** What a web server does to one request. */
export type Fault =
  | { readonly kind: "status"; readonly status: number }
  /** The connection ends after so many bytes of the answer. */
  | { readonly kind: "cut"; readonly after: number }
  /** Nothing follows after so many bytes of the answer. */
  | { readonly kind: "stall"; readonly after: number }
  /** The file is another, shorter or longer one. */
  | { readonly kind: "body"; readonly body: Uint8Array }
  | { readonly kind: "no-ranges" };

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

export interface FaultServer extends AsyncDisposable {
  readonly url: string;
  /** One entry a request: the path, and the first byte when a range was asked for. */
  readonly log: string[];
}

/**
 * Serves a folder to tests, badly.
 *
 * @param faultOf the fault of a request, undefined for a right answer; `count` counts the requests of a path from 1 on
 */
export async function faultServer(
  folder: string,
  faultOf: (path: string, count: number) => Fault | undefined,
): Promise<FaultServer> {
  const log: string[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").slice(1);
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
    const count = (counts.get(path) ?? 0) + 1;
    counts.set(path, count);
    log.push(range === undefined ? path : `${path} ${range}`);
    response.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream");
    void answer(response, join(folder, path), faultOf(path, count), Number(range ?? 0));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, // a TCP server has one
    log,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  response: ServerResponse,
  path: string,
  fault: Fault | undefined,
  asked: number,
): Promise<void> {
  if (fault?.kind === "status") return void response.writeHead(fault.status).end("no");
  const file = fault?.kind === "body" ? fault.body : await readFile(path).catch(() => undefined);
  if (file === undefined) return void response.writeHead(404).end("no");
  const start = fault?.kind === "no-ranges" ? 0 : asked;
  if (start > 0 && start >= file.length) return void response.writeHead(416).end();
  const part = file.subarray(start);
  const range = start > 0 ? { "Content-Range": `bytes ${start}-${file.length - 1}/${file.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { ...range, "Content-Length": part.length });
  if (fault?.kind !== "cut" && fault?.kind !== "stall") return void response.end(part);
  response.write(part.subarray(0, fault.after), () => {
    // Not destroyed: a reset may overtake the bytes.
    if (fault.kind === "cut") response.socket?.end();
  });
}
