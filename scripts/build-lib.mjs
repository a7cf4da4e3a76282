import { spawnSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { build, defaultClientConditions } from "vite";
import { CSS_TARGET } from "./css-target.mjs";

// The npm package: browser entries (worker included), Node entries, declarations, and the embedded model.
const log = { logLevel: "warn", configFile: false, publicDir: false };
rmSync("dist", { recursive: true, force: true });

await build({
  ...log,
  base: "./",
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: { format: "es" },
  build: {
    outDir: "dist",
    target: "es2022",
    cssTarget: CSS_TARGET,
    assetsInlineLimit: 0,
    rolldownOptions: { output: { minify: true } },
    lib: {
      formats: ["es"],
      entry: {
        index: "src/index.ts",
        strategies: "src/strategies/index.ts",
        search: "src/search/index.ts",
        fit: "src/strategies/fit/index.ts",
        element: "src/element/element.ts",
        define: "src/element/define.ts",
        "engine.worker": "workers/engine.worker.ts",
      },
    },
  },
});

await build({
  ...log,
  build: {
    outDir: "dist",
    emptyOutDir: false,
    target: "node20",
    minify: false,
    ssr: true,
    rollupOptions: {
      input: {
        node: "src/node.ts",
        cli: "src/cli/main.ts",
        convert: "src/convert/index.ts",
        // A thread of its own, found by its name.
        "template-thread": "src/runtime/template-thread.ts",
      },
      output: { entryFileNames: "[name].js", chunkFileNames: "node/[name]-[hash].js", format: "es" },
    },
  },
});

const types = spawnSync(process.execPath, ["node_modules/typescript/lib/tsc.js", "-p", "tsconfig.lib.json"], {
  stdio: "inherit",
});
if (types.status !== 0) process.exit(types.status ?? 1);
if (existsSync("public/models/default"))
  cpSync("public/models/default", "dist/models/default", { recursive: true });
