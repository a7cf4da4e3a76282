import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { serveFolder } from "../scripts/serve.mjs";

/** The built demo below the path `/x/y/` of a plain static host, which sends no isolation headers. */
export interface StaticHost {
  readonly site: string;
  /** Takes the host off the network. */
  shut(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openStaticHost(): Promise<StaticHost> {
  const root = await mkdtemp(join(tmpdir(), "unmask-host-"));
  await mkdir(join(root, "x"));
  await symlink(resolve("dist-app"), join(root, "x/y"));
  const server: Server = await serveFolder({ folder: root, port: 0, isolated: false });
  const shut = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  return {
    site: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x/y/`,
    shut,
    async [Symbol.asyncDispose]() {
      await shut();
      await rm(root, { recursive: true });
    },
  };
}
