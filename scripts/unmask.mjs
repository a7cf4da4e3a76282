import { spawnSync } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// The checkout's `unmask`: runs the TypeScript sources directly, from the folder the user stands in.
const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const from = process.env["INIT_CWD"] ?? process.cwd();
process.chdir(root);
const { ensureInstalled } = await import("./install.mjs");
ensureInstalled();
const result = spawnSync(
  process.execPath,
  [
    "--import",
    resolve(root, "node_modules/tsx/dist/esm/index.mjs"),
    resolve(root, "src/cli/main.ts"),
    ...process.argv.slice(2),
  ],
  { stdio: "inherit", cwd: from },
);
process.exit(result.status ?? 1);
