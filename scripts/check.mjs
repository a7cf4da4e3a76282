import { spawnSync } from "node:child_process";
import { ensureInstalled } from "./install.mjs";

// Static checks, cheapest first; stops at the first that fails.
ensureInstalled();
const bin = (name) => `node_modules/${name}`;
const STEPS = [
  ["tsc (all)", bin("typescript/lib/tsc.js"), "-p", "tsconfig.json"],
  ["tsc (pure layers)", bin("typescript/lib/tsc.js"), "-p", "tsconfig.pure.json"],
  ["tsc (workers)", bin("typescript/lib/tsc.js"), "-p", "workers/tsconfig.json"],
  ["biome", bin("@biomejs/biome/bin/biome"), "ci", "--error-on-warnings", "."],
  ["knip", bin("knip/bin/knip.js")],
  ["build (app)", bin("vite/bin/vite.js"), "build", "--logLevel", "warn"],
  ["build (library)", "scripts/build-lib.mjs"],
  ["tsc (types of the package)", bin("typescript/lib/tsc.js"), "-p", "e2e/types"],
  ["doc comments", "scripts/documented.mjs"],
  ["publint", bin("publint/src/cli.js"), "--strict"],
  ["attw", bin("@arethetypeswrong/cli/dist/index.js"), "--pack", ".", "--profile", "esm-only"],
  ["size-limit", bin("size-limit/bin.js")],
];

for (const [label, ...args] of STEPS) {
  const result = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
  });
  if (result.status === 0) {
    console.log(`ok      ${label}`);
    continue;
  }
  console.log(`failed  ${label}\n${result.stdout}${result.stderr}`);
  process.exit(1);
}
