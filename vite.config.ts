import { createReadStream } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";
import { DEFAULT_CONNECT, parseConnect } from "./src/sources/connect.ts";

/** onnxruntime-web's runtimes, self-hosted under `ort/`: the plain one for WASM, asyncify for WebGPU. */
const ORT_FILES = ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

function ortRuntime(): Plugin {
  const from = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
  let outDir = "";
  return {
    name: "ort-runtime",
    configResolved(config) {
      outDir = join(config.root, config.build.outDir, "ort");
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = ORT_FILES.find((file) => request.url?.split("?")[0]?.endsWith(`/ort/${file}`));
        if (name === undefined) return next();
        response.setHeader("Content-Type", name.endsWith(".wasm") ? "application/wasm" : "text/javascript");
        createReadStream(join(from, name)).pipe(response);
      });
    },
    async writeBundle() {
      await mkdir(outDir, { recursive: true });
      await Promise.all(ORT_FILES.map((name) => copyFile(join(from, name), join(outDir, name))));
    },
  };
}

/** Origins the page may fetch models from; set `UNMASK_CONNECT` to change them, to nothing for the page's own alone. */
const CONNECT = parseConnect(process.env["UNMASK_CONNECT"] ?? DEFAULT_CONNECT);

/** Adds the origins to the page's Content-Security-Policy. */
function connectPolicy(): Plugin {
  const own = "connect-src 'self'";
  return {
    name: "connect-policy",
    transformIndexHtml(html) {
      if (!html.includes(own)) throw new Error(`index.html has no policy with ${own}`);
      return html.replace(own, [own, ...CONNECT].join(" "));
    },
  };
}

export default defineConfig({
  base: "./",
  define: { __UNMASK_CONNECT__: JSON.stringify(CONNECT.join(" ")) },
  plugins: [ortRuntime(), connectPolicy()],
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: { format: "es" },
  build: { outDir: "dist-app", target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { headers: ISOLATION },
  preview: { headers: ISOLATION, host: "127.0.0.1", strictPort: true },
});
