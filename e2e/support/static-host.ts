import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { serveFolder } from "../../scripts/serve.mjs";
import type { HeadersOf } from "./host-headers.ts";

/** The built demo on a static host. */
export interface StaticHost {
  /** Address of the page, with a slash at its end. */
  readonly site: string;
  /** Puts another version in its place: a page with this title, and the service worker that goes with it. */
  release(title: string): Promise<void>;
  /** Puts a page of its own beside the demo. */
  write(name: string, text: string): Promise<void>;
  /** Takes the host off the network. */
  shut(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const BUILT = resolve("dist-app");

/**
 * @param path where the demo lies; everything beside it is not found
 * @param headersOf what the host adds to its answers; by default nothing that isolates the page
 */
export async function openStaticHost(path = "x/y", headersOf: HeadersOf = () => ({})): Promise<StaticHost> {
  const root = await mkdtemp(join(tmpdir(), "unmask-host-"));
  const folder = join(root, path);
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(BUILT)) await symlink(join(BUILT, name), join(folder, name));
  const server: Server = await serveFolder({ folder: root, port: 0, isolated: false, headersOf });
  const shut = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  const write = async (name: string, text: string): Promise<void> => {
    // Never through a link into the build.
    await rm(join(folder, name), { force: true });
    await writeFile(join(folder, name), text);
  };
  const { port } = server.address() as AddressInfo; // a TCP server has one
  return {
    site: `http://127.0.0.1:${port}/${path === "" ? "" : `${path}/`}`,
    async release(title) {
      const page = await readFile(join(BUILT, "index.html"), "utf8");
      const worker = await readFile(join(BUILT, "service-worker.js"), "utf8");
      const next = page.replace(/<title>[^<]*/, `<title>${title}`);
      const revision = createHash("md5").update(next).digest("hex");
      const renewed = worker.replace(
        /"revision":"\w+","url":"index\.html"/,
        `"revision":"${revision}","url":"index.html"`,
      );
      if (renewed === worker) throw new Error("the service worker does not list index.html");
      await write("index.html", next);
      await write("service-worker.js", renewed);
    },
    write,
    shut,
    async [Symbol.asyncDispose]() {
      await shut();
      await rm(root, { recursive: true });
    },
  };
}
