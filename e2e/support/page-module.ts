import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { build, defaultClientConditions, type Plugin } from "vite";

/** Where the paths of modules begin: e2e. */
const HERE = new URL("..", import.meta.url);

/**
 * A module of the sources as one classic script that puts its exports on `globalThis.subject`.
 *
 * @param entry path relative to e2e, or a whole one
 */
export async function bundleModule(entry: string): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    plugins: [oneRuntime()],
    // onnxruntime finds its files in the demo's `ort/`.
    resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
    build: {
      write: false,
      minify: false,
      target: "es2022",
      lib: {
        entry: fileURLToPath(new URL(entry, HERE)),
        formats: ["iife"],
        name: "subject",
        fileName: "subject",
      },
    },
  });
  const [result] = Array.isArray(output) ? output : [output];
  const chunk = result !== undefined && "output" in result ? result.output[0] : undefined;
  if (chunk === undefined) throw new Error(`${entry} gave no code`);
  return chunk.code;
}

/** transformers.js brings an onnxruntime-web of its own for WebGPU; here it shares the WASM build of the engine. */
function oneRuntime(): Plugin {
  const here = fileURLToPath(import.meta.url);
  return {
    name: "one-runtime",
    enforce: "pre",
    resolveId(source, importer) {
      if (importer === undefined || !importer.includes("@huggingface/transformers")) return null;
      if (source === "onnxruntime-web/webgpu") return this.resolve("onnxruntime-web/wasm", here);
      if (source === "onnxruntime-common") return this.resolve("onnxruntime-common", here);
      return null;
    },
  };
}

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/**
 * Runs a module of the sources in an empty page of the server's origin.
 *
 * @param isolated a page that may use threads
 */
export async function openModule(page: Page, entry: string, isolated = false): Promise<void> {
  const body = await bundleModule(entry);
  await page.route("**/subject.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
  await page.route("**/empty.html", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: "<!doctype html><title>empty</title>",
      headers: isolated ? ISOLATION : {},
    }),
  );
  await page.goto("empty.html");
  await page.addScriptTag({ url: "subject.js" });
}
