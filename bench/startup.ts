import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { ensureBuilt } from "../scripts/build-app.mjs";
import { findChromium } from "../scripts/chromium.mjs";
import { serveFolder } from "../scripts/serve.mjs";
import type { BenchOptions } from "../src/cli/bench.ts";
import { UnmaskError } from "../src/core/errors.ts";
import type { GenerateEvent } from "../src/core/events.ts";
import type { UnmaskTextElement } from "../src/element/element.ts";
import { showSpread, spreadOf } from "./stats/spread.ts";

/**
 * Startup in a real Chromium over the built demo: page load to the first resolved token, cold (an empty profile) and
 * warm (weights in OPFS, runtime in the HTTP cache), taken in turns; then forwards on WASM at two canvas lengths, and
 * what a cold visit downloads. The server is on this machine, so the network costs nothing.
 */
const PROMPT = "Once upon a time";
const LENGTHS = [128, 256];

export async function runSuite({ quick, io }: BenchOptions) {
  ensureBuilt();
  const server = await serveFolder({ folder: "dist-app", port: 0 });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/?backend=wasm`;
  const executablePath = findChromium();
  if (executablePath === undefined)
    throw new UnmaskError("usage", "No Chromium was found; npm test installs one.");
  const browser = await chromium.launch({ executablePath, channel: "chromium", args: ["--no-sandbox"] });
  try {
    return await measure(browser, url, quick, io.status);
  } finally {
    await browser.close();
    server.close();
  }
}

async function measure(browser: Browser, url: string, quick: boolean, status: (text: string) => void) {
  const cold: number[] = [];
  const warm: number[] = [];
  let download: Download | undefined;
  for (let round = 0; round < (quick ? 2 : 7); round++) {
    status(`round ${round + 1}`);
    const context = await browser.newContext();
    const first = await firstToken(context, url);
    download ??= first.download;
    cold.push(first.ms);
    warm.push((await firstToken(context, url)).ms);
    await context.close();
  }
  status("forwards");
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  const times = new Map<number, number[]>(LENGTHS.map((length) => [length, []]));
  for (let round = 0; round < (quick ? 2 : 5); round++) {
    for (const length of LENGTHS) times.get(length)!.push(await msPerForward(page, length));
  }
  const backend = await page
    .locator("unmask-text")
    .evaluate((sheet) => (sheet as UnmaskTextElement).info?.reason);
  await context.close();
  const forwards = LENGTHS.map((canvas) => {
    const ms = spreadOf(times.get(canvas)!);
    return { canvas, msPerForward: ms, tokensPerSecond: Math.round(10_000 / ms.median) / 10 };
  });
  const json = {
    secondsToFirstToken: { cold: spreadOf(cold.map(seconds)), warm: spreadOf(warm.map(seconds)) },
    forwards,
    download,
    backend,
    browser: browser.version(),
  };
  const lines = [
    `first token, cold  ${showSpread(json.secondsToFirstToken.cold, "s")}`,
    `first token, warm  ${showSpread(json.secondsToFirstToken.warm, "s")}`,
    ...forwards.map(
      ({ canvas, msPerForward: ms, tokensPerSecond }) =>
        `canvas of ${canvas}     ${showSpread(ms, "ms per forward")}, ${tokensPerSecond} tokens/s at one token a step`,
    ),
    `download           ${JSON.stringify(download)}`,
    `${backend} Chromium ${json.browser}`,
  ];
  return { json, lines };
}

interface Download {
  readonly pageBytes: number;
  readonly runtimeBytes: number;
  readonly modelBytes: number;
}

/** From the start of the navigation to the first step event, in ms, with Generate pressed as soon as it is there. */
async function firstToken(context: BrowserContext, url: string): Promise<{ ms: number; download: Download }> {
  const page = await context.newPage();
  const bytes = { pageBytes: 0, runtimeBytes: 0, modelBytes: 0 };
  page.on("response", (response) => {
    const size = Number(response.headers()["content-length"] ?? 0);
    const path = new URL(response.url()).pathname;
    if (path.includes("/models/")) bytes.modelBytes += size;
    else if (path.includes("/ort/")) bytes.runtimeBytes += size;
    else bytes.pageBytes += size;
  });
  await page.addInitScript(() => {
    // The event does not bubble, but the capture phase passes the window.
    addEventListener(
      "unmask-step",
      (event) => {
        const { phase, steps } = (event as CustomEvent<{ phase: string; steps: number }>).detail;
        if (phase === "generating" && steps === 1)
          document.documentElement.dataset["firstToken"] ??= String(performance.now());
      },
      true,
    );
  });
  await page.goto(url, { waitUntil: "commit" });
  await page.getByRole("textbox", { name: "Prompt" }).fill(PROMPT);
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  const found = page.locator("html[data-first-token]");
  await found.waitFor({ state: "attached", timeout: 120_000 });
  const ms = Number(await found.getAttribute("data-first-token"));
  await page.close();
  return { ms, download: bytes };
}

/** Median time between forwards of one run over a canvas of `canvas` rows, one token a step, 24 steps. */
async function msPerForward(page: Page, canvas: number): Promise<number> {
  const start = (await runSheet(page, 1, 1)).find((event) => event.type === "start");
  const events = await runSheet(page, canvas - (start?.promptLen ?? 0), 24);
  const stamps = events.flatMap((event) =>
    event.type === "forward" && event.ms !== undefined ? [event.ms] : [],
  );
  const gaps = stamps.slice(1).map((ms, i) => ms - stamps[i]!);
  return spreadOf(gaps).median;
}

/** Events of one run on the page's sheet, stopped after `steps` steps. No named functions: they would not survive the way there. */
function runSheet(page: Page, length: number, steps: number): Promise<GenerateEvent[]> {
  return page.locator("unmask-text").evaluate(
    async (element, [prompt, maxNewTokens, last]) => {
      const sheet = element as UnmaskTextElement;
      const listening = new AbortController();
      sheet.addEventListener(
        "unmask-step",
        () => {
          if (sheet.state.steps >= last) sheet.abort();
        },
        { signal: listening.signal },
      );
      const recipe = { preset: "llada", block: maxNewTokens, steps: maxNewTokens };
      await sheet.generate({ prompt, maxNewTokens, recipe });
      listening.abort();
      return [...(sheet.trace?.events ?? [])];
    },
    [PROMPT, length, steps] as const,
  );
}

function seconds(ms: number): number {
  return ms / 1000;
}
