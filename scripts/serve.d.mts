import type { Server } from "node:http";
export function serveFolder(options: {
  folder: string;
  port: number;
  host?: string;
  isolated?: boolean;
  headersOf?: (path: string) => Readonly<Record<string, string | undefined>>;
}): Promise<Server>;
