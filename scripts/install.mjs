import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const STAMP = "node_modules/.unmask-lock";
const lockHash = () => createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");

/**
 * Installs the dependencies when node_modules is missing or was made from another lockfile. Output goes to stderr.
 * `npm install` rather than `npm ci`: the latter refuses a lockfile written where the optional builds of other
 * platforms could not be resolved.
 */
export function ensureInstalled() {
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lockHash()) return;
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const result = spawnSync(npm, ["install", "--no-audit", "--no-fund"], { stdio: ["ignore", 2, 2] });
  if (result.status !== 0) throw new Error("npm install failed; see its output above.");
  writeFileSync(STAMP, lockHash());
}

if (process.argv[1]?.endsWith("install.mjs")) ensureInstalled();
