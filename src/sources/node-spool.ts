import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFile } from "../convert/checkpoint/node-folder.ts";
import { UnmaskError } from "../core/errors.ts";
import type { OpenSpool } from "./spool.ts";

export interface NodeSpools extends AsyncDisposable {
  readonly openSpool: OpenSpool;
}

/** Spools in the system's folder for temporary files, removed when this is disposed of. */
export function nodeSpools(): NodeSpools {
  const folders: string[] = [];
  return {
    openSpool: async () => {
      const folder = await writing(mkdtemp(join(tmpdir(), "unmask-spool-")));
      folders.push(folder);
      const path = join(folder, "file");
      await writing(appendFile(path, ""));
      return { write: (part) => writing(appendFile(path, part)), finish: () => nodeFile(path) };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    },
  };
}

function writing<T>(action: Promise<T>): Promise<T> {
  return action.catch((cause: unknown) => {
    throw new UnmaskError("write-failed", `A download cannot be kept on this disk: ${String(cause)}`, {
      cause,
    });
  });
}
