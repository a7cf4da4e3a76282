import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};

/** What hosts compress; weights and the runtime are left as they are, so that serving them costs nothing. */
const COMPRESSED = new Set([".html", ".js", ".mjs", ".css", ".json", ".svg", ".webmanifest"]);

/**
 * Serves a folder as a plain static host would, with COOP/COEP unless `isolated` is false. `headersOf(path)` gives
 * further headers of an address; undefined takes one away. Hashed assets and the runtime may be cached; everything else
 * is revalidated by ETag. Single ranges are answered. `mounts` are further folders, by the first part of the path that
 * leads to them.
 */
export function serveFolder({
  folder,
  port,
  host = "127.0.0.1",
  isolated = true,
  mounts = {},
  headersOf = () => ({}),
}) {
  const server = createServer((request, response) => {
    let path;
    try {
      path = normalize(decodeURIComponent((request.url ?? "/").split(/[?#]/)[0]));
    } catch {
      response.writeHead(400).end();
      return;
    }
    const [, first = ""] = path.split("/");
    const isMount = Object.hasOwn(mounts, first);
    const root = resolve(isMount ? mounts[first] : folder);
    let file = join(root, isMount ? path.slice(first.length + 1) : path);
    if (file.startsWith(root) && existsSync(file) && statSync(file).isDirectory()) {
      if (!path.endsWith("/")) {
        response.writeHead(301, { Location: `${path}/` }).end();
        return;
      }
      file = join(file, "index.html");
    }
    if (!file.startsWith(root) || !existsSync(file)) {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("not found");
      return;
    }
    const { size, mtimeMs } = statSync(file);
    const etag = `"${size.toString(16)}-${Math.round(mtimeMs).toString(16)}"`;
    const compress =
      COMPRESSED.has(extname(file)) && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
    const wanted = {
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      ETag: etag,
      Vary: "Accept-Encoding",
      "Cache-Control": path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      // Pages of other origins may embed the element: they fetch its scripts, the runtime and the model.
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Expose-Headers": "Content-Range, ETag",
      "Cross-Origin-Resource-Policy": "cross-origin",
      ...(isolated
        ? { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" }
        : {}),
      ...(compress ? { "Content-Encoding": "gzip" } : {}),
      ...headersOf(path),
    };
    const headers = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304, headers).end();
      return;
    }
    const range = compress ? undefined : rangeOf(request.headers.range, size);
    const { start, end } = range ?? { start: 0, end: size };
    const part = range === undefined ? {} : { "Content-Range": `bytes ${start}-${end - 1}/${size}` };
    const length = compress ? {} : { "Content-Length": end - start };
    response.writeHead(range === undefined ? 200 : 206, { ...headers, ...part, ...length });
    if (request.method === "HEAD" || start === end) response.end();
    else if (compress) createReadStream(file).pipe(createGzip()).pipe(response);
    else createReadStream(file, { start, end: end - 1 }).pipe(response);
  });
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(port, host, () => done(server));
  });
}

/** The bytes that a Range header asks for; anything but one range inside the file gets the whole, as RFC 9110 allows. */
function rangeOf(header, size) {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === undefined || Number(from) >= size) return undefined;
  return { start: Number(from), end: to === "" ? size : Math.min(Number(to) + 1, size) };
}

if (process.argv[1]?.endsWith("serve.mjs")) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "4173" },
      folder: { type: "string", default: "dist-app" },
      "not-isolated": { type: "boolean", default: false },
    },
  });
  await serveFolder({ folder: values.folder, port: Number(values.port), isolated: !values["not-isolated"] });
  console.log(`http://127.0.0.1:${values.port}/`);
}
