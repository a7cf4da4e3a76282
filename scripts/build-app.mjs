import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const SHARED = ["src", "workers", "public", "package-lock.json"];
const APP = [...SHARED, "index.html", "vite.config.ts"];
const LIBRARY = [...SHARED, "package.json", "scripts/build-lib.mjs", "scripts/element-manifest.mjs"];

/** Newest modification time under `path`, in ms. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Runs a build when an input is newer than its last output. What it says goes to stderr. */
function build(inputs, output, ...args) {
  const sources = Math.max(...inputs.filter((path) => existsSync(path)).map(newest));
  if (existsSync(output) && statSync(output).mtimeMs > sources) return;
  const result = spawnSync(process.execPath, args, { stdio: ["ignore", 2, 2] });
  if (result.status !== 0) throw new Error(`${args[0]} failed; see its output above.`);
}

/** Builds the demo into dist-app when it is out of date. */
export function ensureBuilt() {
  build(APP, "dist-app/index.html", "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn");
}

/** Builds the package into dist when it is out of date. */
export function ensureLibrary() {
  build(LIBRARY, "dist/custom-elements.json", "scripts/build-lib.mjs");
}
