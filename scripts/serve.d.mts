import type { Server } from "node:http";
export function serveFolder(options: {
  folder: string;
  port: number;
  host?: string;
  isolated?: boolean;
  mounts?: Readonly<Record<string, string>>;
  headersOf?: (path: string) => Readonly<Record<string, string | undefined>>;
}): Promise<Server>;
