import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { BrowserType, Page } from "playwright";
import { findChromium } from "../../../scripts/chromium.mjs";
import { UnmaskError } from "../../core/errors.ts";
import type { PageLink } from "./gpu-host.ts";
import type * as Subject from "./gpu-page.ts";

/** Any address that counts as secure; every request is answered here, none leaves the browser. */
const ORIGIN = "http://localhost:9/";
const WEBGPU = ["--enable-unsafe-webgpu", "--ignore-gpu-blocklist"];
const VULKAN = process.platform === "linux" ? ["--enable-features=Vulkan"] : [];
/** Chromium's software adapter. Slow, but the numerics are those of a real adapter. */
const SOFTWARE = "--use-webgpu-adapter=swiftshader";
const START_MS = 120_000;

/** A Chromium that computes on WebGPU. */
export interface GpuBrowser {
  readonly gpu: Subject.GpuFound;
  readonly page: PageLink;
  /** Another one, in a browser of its own. */
  openPage(): Promise<PageLink>;
}

/**
 * Opens a Chromium with WebGPU: on a graphics processor when there is one, on Chromium's software adapter otherwise.
 *
 * @param load brings playwright, which the package does not depend on
 * @throws UnmaskError `backend-unavailable` without playwright or Chromium, `webgpu-unavailable` without an adapter
 */
export async function openGpuBrowser(
  load: () => Promise<{ readonly chromium: BrowserType }> = () => import("playwright"),
): Promise<GpuBrowser> {
  const { chromium } = await load().catch((cause: unknown) => {
    throw new UnmaskError(
      "backend-unavailable",
      "WebGPU runs in a browser, which playwright drives, and playwright is not installed (npm install playwright).",
      { cause },
    );
  });
  const script = await pageScript();
  for (const software of [false, true]) {
    const open = () => launch(chromium, [...WEBGPU, ...VULKAN, ...(software ? [SOFTWARE] : [])], script);
    const opened = await open();
    try {
      const gpu = (await opened.call("findGpu")) as Subject.GpuFound | undefined; // what findGpu returns
      // Without its flag a software adapter may be another one than the one that is tested with.
      if (gpu !== undefined && gpu.software === software) {
        return { gpu, page: await startPage(opened), openPage: async () => startPage(await open()) };
      }
    } catch (error) {
      await opened.close();
      throw error;
    }
    await opened.close();
  }
  throw new UnmaskError(
    "webgpu-unavailable",
    "Chromium offers no WebGPU adapter here, not even its software one.",
  );
}

/** The functions of gpu-page.ts as a classic script: built beside this file in the package, bundled in a checkout. */
async function pageScript(): Promise<string> {
  const built = ["./gpu-page.js", "../gpu-page.js"].map((path) => new URL(path, import.meta.url));
  const found = built.find((url) => existsSync(url));
  if (found !== undefined) return readFile(found, "utf8");
  const bundler = new URL("../../../scripts/gpu-page.mjs", import.meta.url);
  const module = (await import(/* @vite-ignore */ bundler.href)) as { bundleGpuPage(): Promise<string> }; // its one export
  return module.bundleGpuPage();
}

interface Opened {
  call(name: string, ...given: readonly unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

async function launch(chromium: BrowserType, args: readonly string[], script: string): Promise<Opened> {
  const executablePath = findChromium();
  const browser = await chromium
    .launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      channel: "chromium",
      args: ["--no-sandbox", ...args],
      timeout: START_MS,
      // The command ends by itself, and with it the browser.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    })
    .catch((cause: unknown) => {
      const why = executablePath === undefined ? "none was found" : `${executablePath} does not start`;
      throw new UnmaskError(
        "backend-unavailable",
        `WebGPU needs a Chromium, and ${why}; install one (Debian: apt-get install chromium) or set CHROMIUM_PATH.`,
        { cause },
      );
    });
  try {
    const page = await browser.newPage();
    await serveRuntime(page);
    await page.goto(ORIGIN, { timeout: START_MS });
    await page.addScriptTag({ content: script });
    return {
      call: (name, ...given) =>
        page.evaluate(
          ([key, values]) => {
            const { subject } = globalThis as unknown as {
              subject: Record<string, (...all: unknown[]) => unknown>;
            };
            return subject[key]!(...values);
          },
          [name, given] as [string, unknown[]],
        ),
      close: () => browser.close(),
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** An empty page, and onnxruntime-web's files below `ort/`. */
async function serveRuntime(page: Page): Promise<void> {
  const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
  await page.route("**/*", (route) => {
    const name = basename(new URL(route.request().url()).pathname);
    if (name === "") return route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    const contentType = name.endsWith(".wasm") ? "application/wasm" : "text/javascript";
    return route.fulfill({ path: join(runtime, name), contentType });
  });
}

async function startPage({ call, close }: Opened): Promise<PageLink> {
  await call("start", `${ORIGIN}ort/`).catch(async (cause: unknown) => {
    await close();
    throw new UnmaskError("webgpu-unavailable", `WebGPU could not be started in Chromium: ${String(cause)}`, {
      cause,
    });
  });
  return { call: (name, ...given) => call(name, ...given) as Promise<never>, close }; // what `name` returns
}
