import { defineConfig } from "@playwright/test";
import { findChromium } from "./scripts/chromium.mjs";

const port = Number(process.env["E2E_PORT"] ?? 4180);
/** WebGPU without a GPU: Chromium's software adapter. Slow, but the numerics are those of a real adapter. */
const SOFTWARE_GPU = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--ignore-gpu-blocklist",
];
const WEBGPU = "**/webgpu*.spec.ts";
/** Tests of quick files that `npm test` has no time for. */
const SLOW = /@slow/;
const executablePath = findChromium();
const launch = (args: readonly string[]): { executablePath?: string; args: string[] } => ({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: ["--no-sandbox", ...args],
});

export default defineConfig({
  testDir: "e2e",
  timeout: 120_000,
  expect: { timeout: 30_000 },
  workers: 1,
  fullyParallel: false,
  forbidOnly: process.env["CI"] !== undefined,
  outputDir: "test-results",
  use: { baseURL: `http://127.0.0.1:${port}/`, trace: "off", channel: "chromium", serviceWorkers: "block" },
  webServer: {
    command: `node scripts/serve.mjs --port ${port}`,
    url: `http://127.0.0.1:${port}/`,
    reuseExistingServer: true,
    timeout: 60_000,
  },
  projects: [
    {
      name: "wasm",
      testIgnore: [WEBGPU, "**/*.slow.spec.ts"],
      grepInvert: SLOW,
      use: { launchOptions: launch([]) },
    },
    { name: "webgpu", testMatch: WEBGPU, grepInvert: SLOW, use: { launchOptions: launch(SOFTWARE_GPU) } },
    {
      name: "wasm-slow",
      testIgnore: [WEBGPU, "**/*.slow.spec.ts"],
      grep: SLOW,
      use: { launchOptions: launch([]) },
    },
    { name: "webgpu-slow", testMatch: WEBGPU, grep: SLOW, use: { launchOptions: launch(SOFTWARE_GPU) } },
    { name: "slow", testMatch: "**/*.slow.spec.ts", use: { launchOptions: launch(SOFTWARE_GPU) } },
  ],
});
