import { spawnSync } from "node:child_process";
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { build, defaultClientConditions } from "vite";
import { CSS_TARGET } from "./css-target.mjs";
import { elementManifest } from "./element-manifest.mjs";
import { bundleGpuPage } from "./gpu-page.mjs";

// The npm package: browser entries, the worker, Node entries, declarations, and the embedded model.
const log = { logLevel: "warn", configFile: false, publicDir: false };
rmSync("dist", { recursive: true, force: true });

const browser = {
  ...log,
  base: "./",
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  build: {
    outDir: "dist",
    emptyOutDir: false,
    target: "es2022",
    cssTarget: CSS_TARGET,
    assetsInlineLimit: 0,
  },
};

/**
 * Vite would write the worker's address in a form that other bundlers do not know for a worker. They know this one; and a
 * name that is filled in after Vite has looked for workers is left alone.
 */
const literalWorker = {
  name: "literal-worker",
  enforce: "pre",
  transform: {
    filter: { id: /\/client\/start-worker\.ts$/ },
    handler(code) {
      const literal = '"../../workers/engine.worker.ts"';
      if (!code.includes(literal)) throw new Error(`start-worker.ts does not name ${literal}`);
      return code.replace(literal, "__UNMASK_WORKER__");
    },
  },
};

await build({
  ...browser,
  plugins: [literalWorker],
  define: { __UNMASK_WORKER__: JSON.stringify("./worker.js") },
  build: {
    ...browser.build,
    // The companion's library is an optional peer: whoever opens one brings it.
    rolldownOptions: {
      external: ["@huggingface/transformers"],
      preserveEntrySignatures: "allow-extension",
      output: { minify: true },
    },
    lib: {
      formats: ["es"],
      entry: {
        index: "src/index.ts",
        strategies: "src/strategies/index.ts",
        search: "src/search/index.ts",
        fit: "src/strategies/fit/index.ts",
        companion: "src/companion/index.ts",
        element: "src/element/element.ts",
        "element/define": "src/element/define.ts",
      },
    },
  },
});

// One file, so that it can be copied anywhere and a bundler that knows no workers needs nothing else. onnxruntime hides
// an `import.meta.url` from bundlers that ours brings to light: theirs would look for a file there, or write a worker
// in which it is not allowed. A worker's own address says the same.
await build({
  ...browser,
  define: { "import.meta.url": "self.location.href" },
  build: {
    ...browser.build,
    rolldownOptions: { output: { minify: true, codeSplitting: false } },
    lib: { formats: ["es"], entry: { worker: "workers/engine.worker.ts" } },
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
        "template-thread": "src/runtime/template/template-thread.ts",
      },
      output: { entryFileNames: "[name].js", chunkFileNames: "node/[name]-[hash].js", format: "es" },
    },
  },
});

// What `verify --backend webgpu` runs in a browser.
writeFileSync("dist/gpu-page.js", await bundleGpuPage());

const types = spawnSync(process.execPath, ["node_modules/typescript/lib/tsc.js", "-p", "tsconfig.lib.json"], {
  stdio: "inherit",
});
if (types.status !== 0) process.exit(types.status ?? 1);
// Nothing can be imported from the worker, and nothing but types from the entries for frameworks.
writeFileSync("dist/types/worker.d.ts", "export {};\n");
writeFileSync("dist/types-only.js", "export {};\n");
writeFileSync("dist/custom-elements.json", `${JSON.stringify(elementManifest("."), null, 2)}\n`);
if (existsSync("public/models/default"))
  cpSync("public/models/default", "dist/models/default", { recursive: true });
