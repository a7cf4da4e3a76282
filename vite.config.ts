import { createReadStream } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";
import { VitePWA } from "vite-plugin-pwa";
import { CSS_TARGET } from "./scripts/css-target.mjs";
import { firstPaint } from "./scripts/first-paint.mjs";
import { modelCard } from "./scripts/model-card.mjs";
import { otherStrategies } from "./src/app/ask/strategies.ts";
import { ORT_FILES } from "./src/runtime/ort/ort-files.ts";
import { DEFAULT_CONNECT, parseConnect } from "./src/sources/connect.ts";
import { takesRepeatGuard } from "./src/strategies/pieces/no-repeat.ts";
import { PRESET_NAMES, PRESETS } from "./src/strategies/recipe/presets.ts";

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Serves the files of onnxruntime-web from `ort/`. */
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

const ICONS = [
  { src: "icon-192.png", sizes: "192x192", type: "image/png" },
  { src: "icon-512.png", sizes: "512x512", type: "image/png" },
  { src: "icon-maskable.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
] as const;

/** The page as an installable app that works offline; workers/service-worker.ts says what is kept. */
function offlineApp() {
  return VitePWA({
    strategies: "injectManifest",
    srcDir: "workers",
    filename: "service-worker.ts",
    injectRegister: false,
    injectManifest: {
      globPatterns: ["index.html", "favicon.svg", "assets/**/*.{js,css,woff2,json}", "icon-*.png"],
    },
    manifest: {
      name: "Unmask",
      short_name: "Unmask",
      description: "Watch a diffusion language model write: words surface out of masks.",
      start_url: "./",
      scope: "./",
      display: "standalone",
      background_color: "#fbfaf7",
      theme_color: "#fbfaf7",
      icons: [...ICONS],
      // Most systems go by the last extension alone.
      file_handlers: [{ action: "./", accept: { "application/json": [".unmask.json", ".json"] } }],
      share_target: {
        action: "./",
        method: "GET",
        enctype: "application/x-www-form-urlencoded",
        params: { title: "title", text: "text", url: "url" },
      },
      launch_handler: { client_mode: ["focus-existing", "auto"] },
    },
  });
}

/** Origins the page may fetch models from; set `UNMASK_CONNECT` to change them, to nothing for the page's own alone. */
const CONNECT = parseConnect(process.env["UNMASK_CONNECT"] ?? DEFAULT_CONNECT);

/** Adds the origins to the page's Content-Security-Policy, and writes it with the other headers for hosts that read `_headers`. */
function connectPolicy(): Plugin {
  const own = "connect-src 'self'";
  let outDir = "";
  return {
    name: "connect-policy",
    configResolved(config) {
      outDir = join(config.root, config.build.outDir);
    },
    transformIndexHtml(html) {
      if (!html.includes(own)) throw new Error(`index.html has no policy with ${own}`);
      return html.replace(own, [own, ...CONNECT].join(" "));
    },
    async writeBundle() {
      const page = await readFile(join(outDir, "index.html"), "utf8");
      const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(page)?.[1];
      if (policy === undefined) throw new Error("the built page has no policy");
      const headers = {
        ...ISOLATION,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
      };
      const lines = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}\n`);
      await writeFile(join(outDir, "_headers"), `/*\n${lines.join("")}`);
    },
  };
}

const FIRST_PAINT = {
  recording: "src/app/run/welcome.unmask.json",
  fonts: ["inter-latin-wght-normal", "source-serif-4-latin-wght-normal"],
};

export default defineConfig({
  base: "./",
  define: {
    __UNMASK_CONNECT__: JSON.stringify(CONNECT.join(" ")),
    __UNMASK_OTHERS__: JSON.stringify(otherStrategies(PRESETS)),
    __UNMASK_REPEATING__: JSON.stringify(PRESET_NAMES.filter((name) => !takesRepeatGuard(PRESETS[name]!))),
  },
  plugins: [
    ortRuntime(),
    firstPaint(FIRST_PAINT),
    connectPolicy(),
    modelCard("public/models/default/README.md"),
    offlineApp(),
  ],
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: { format: "es" },
  build: {
    outDir: "dist-app",
    target: "es2022",
    cssTarget: CSS_TARGET,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: "index.html", embed: "src/element/embed.ts" },
      // Other pages name this one: it keeps its address from build to build.
      output: { entryFileNames: ({ name }) => (name === "embed" ? "embed.js" : "assets/[name]-[hash].js") },
    },
  },
  server: { headers: ISOLATION },
  preview: { headers: ISOLATION, host: "127.0.0.1", strictPort: true },
});
