import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright";
import * as v from "valibot";
import { openModule } from "../../e2e/support/page-module.ts";
import { findChromium } from "../../scripts/chromium.mjs";
import { serveFolder } from "../../scripts/serve.mjs";
import { UnmaskError } from "../../src/core/errors.ts";
import { BEYOND } from "./contestants.ts";
import type * as Subject from "./page.ts";

type Exports = typeof Subject;

/** The functions of page.ts in a real Chromium. */
export interface BenchPage extends AsyncDisposable {
  readonly version: string;
  call<Name extends keyof Exports>(
    name: Name,
    ...given: Parameters<Exports[Name]>
  ): Promise<Awaited<ReturnType<Exports[Name]>>>;
}

const ISOLATED = {
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
const PUBLIC = fileURLToPath(new URL("../../public", import.meta.url));

/**
 * An isolated page with models and runtime from this machine.
 *
 * @param twin folder that the page finds at `models/ar/`
 * @param random folder of a model of the embedded one's shape, which the page finds at `models/random/`
 * @throws UnmaskError `usage` without a Chromium
 */
export async function openBenchPage(twin: string, random: string): Promise<BenchPage> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    throw new UnmaskError("usage", "No Chromium was found; npm test installs one.");
  }
  const server = await serveFolder({ folder: PUBLIC, port: 0 });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({ executablePath, channel: "chromium", args: ["--no-sandbox"] });
    const page = await browser.newPage({ baseURL: `http://127.0.0.1:${port}/` });
    await routeFolder(page, "ort", dirname(createRequire(import.meta.url).resolve("onnxruntime-web")));
    await routeFolder(page, "models/ar", resolve(twin));
    await routeFolder(page, "models/random", random);
    await routeFolder(page, "models/longer", join(PUBLIC, "models/default"));
    await routeLonger(page);
    await openModule(page, fileURLToPath(new URL("page.ts", import.meta.url)), true);
    const opened = browser;
    return {
      version: opened.version(),
      call: (name, ...given) =>
        page.evaluate(
          ([key, values]) => {
            const subject: unknown = Reflect.get(globalThis, "subject");
            const found: unknown =
              typeof subject === "object" && subject !== null ? Reflect.get(subject, key) : undefined;
            if (typeof found !== "function") throw new Error(`the page has no ${key}`);
            return Reflect.apply(found, undefined, values);
          },
          [name, given] as [string, unknown[]],
        ) as Promise<never>, // what `name` returns, by the type of `call`
      async [Symbol.asyncDispose]() {
        await opened.close();
        server.close();
      },
    };
  } catch (error) {
    await browser?.close();
    server.close();
    throw error;
  }
}

/** The embedded model's manifest, with a canvas of {@link BEYOND}. */
async function routeLonger(page: Page): Promise<void> {
  const text = await readFile(join(PUBLIC, "models/default/unmask.json"), "utf8");
  const manifest = v.parse(v.looseObject({ maxCanvas: v.number() }), JSON.parse(text));
  const json = { ...manifest, maxCanvas: BEYOND };
  await page.route("**/models/longer/unmask.json", (route) => route.fulfill({ json, headers: ISOLATED }));
}

/** Lets the page find the files of `folder` under `path`, isolated like everything else. */
async function routeFolder(page: Page, path: string, folder: string): Promise<void> {
  await page.route(`**/${path}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    const name = pathname.slice(pathname.indexOf(`/${path}/`) + path.length + 2);
    const body = await readFile(join(folder, name)).catch(() => undefined);
    if (body === undefined) return route.fulfill({ status: 404 });
    const contentType = /\.m?js$/.test(name)
      ? "text/javascript"
      : name.endsWith(".wasm")
        ? "application/wasm"
        : "application/octet-stream";
    return route.fulfill({ body, contentType, headers: ISOLATED });
  });
}
