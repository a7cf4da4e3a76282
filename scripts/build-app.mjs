import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const INPUTS = ["src", "workers", "public", "index.html", "vite.config.ts", "package-lock.json"];
const OUTPUT = "dist-app/index.html";

/** Newest modification time under `path`, in ms. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Builds the demo into dist-app when a source is newer than the last build. Output goes to stderr. */
export function ensureBuilt() {
  const sources = Math.max(...INPUTS.filter((path) => existsSync(path)).map(newest));
  if (existsSync(OUTPUT) && statSync(OUTPUT).mtimeMs > sources) return;
  const result = spawnSync(
    process.execPath,
    ["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"],
    {
      stdio: ["ignore", 2, 2],
    },
  );
  if (result.status !== 0) throw new Error("vite build failed; see its output above.");
}
