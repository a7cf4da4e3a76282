import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** Path of an installed Chromium: `CHROMIUM_PATH`, else the first on PATH; undefined when there is none. */
export function findChromium() {
  const asked = process.env["CHROMIUM_PATH"];
  if (asked !== undefined && asked !== "") return asked;
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of NAMES) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not here: look on
      }
    }
  }
  return undefined;
}

/** Finds Chromium or, on Debian as root, installs it from Debian's packages. Throws with advice otherwise. */
export function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  const run = (args) =>
    spawnSync("apt-get", args, {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  if (spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0) {
    run(["update", "-qq"]);
    run(["install", "-y", "-qq", "chromium"]);
  }
  const installed = findChromium();
  if (installed !== undefined) return installed;
  throw new Error("No Chromium found. Install one (Debian: apt-get install chromium) or set CHROMIUM_PATH.");
}
