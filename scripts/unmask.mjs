import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// The checkout's `unmask`: runs the TypeScript sources directly, from the folder the user stands in. In this process,
// so that signals reach the command itself.
const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const from = process.env["INIT_CWD"] ?? process.cwd();
process.chdir(root);
const { ensureInstalled } = await import("./install.mjs");
ensureInstalled();
const { register } = await import("tsx/esm/api");
register();
process.chdir(from);
await import("../src/cli/main.ts");
