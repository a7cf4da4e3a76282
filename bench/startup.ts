import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { ensureBuilt } from "../scripts/build-app.mjs";
import { findChromium } from "../scripts/chromium.mjs";
import { serveFolder } from "../scripts/serve.mjs";
import type { BenchOptions } from "../src/cli/bench.ts";
import { UnmaskError } from "../src/core/errors.ts";
import type { GenerateEvent } from "../src/core/events.ts";
import type { UnmaskTextElement } from "../src/element/element.ts";
import { reportName, writeReport } from "./harness/report.ts";
import { markdownTable, type Table } from "./harness/table.ts";
import { type Target, targetTable } from "./harness/targets.ts";
import { showSpread, spreadOf } from "./stats/spread.ts";

/**
 * Startup in a real Chromium over the built demo: page load to an open model and to the first resolved token, cold (an
 * empty profile) and warm (weights in OPFS, runtime in the HTTP cache), taken in turns; then forwards on WASM at two canvas lengths, and
 * what a cold visit downloads. The server is on this machine, so the network costs nothing.
 */
const PROMPT = "Once upon a time";
const LENGTHS = [128, 256];
/** Seconds from a warm page load to an open model, at most. */
const READY = 1.5;

export async function runSuite({ quick, values, io }: BenchOptions) {
  ensureBuilt();
  const server = await serveFolder({ folder: "dist-app", port: 0 });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/?backend=wasm`;
  const executablePath = findChromium();
  if (executablePath === undefined)
    throw new UnmaskError("usage", "No Chromium was found; npm test installs one.");
  const browser = await chromium.launch({ executablePath, channel: "chromium", args: ["--no-sandbox"] });
  try {
    const { json, tables, intro } = await measure(browser, url, quick, io.status);
    const lines = [...intro, ...tables.map(markdownTable)];
    if (typeof values["out"] === "string") {
      const name = reportName("startup", quick, true);
      const report = { title: "Startup", intro, tables };
      lines.push(`written: ${(await writeReport(values["out"], name, json, report)).join(", ")}`);
    }
    return { json, lines };
  } finally {
    await browser.close();
    server.close();
  }
}

async function measure(browser: Browser, url: string, quick: boolean, status: (text: string) => void) {
  const cold: Start[] = [];
  const warm: Start[] = [];
  let download: Download | undefined;
  for (let round = 0; round < (quick ? 2 : 7); round++) {
    status(`round ${round + 1}`);
    const context = await browser.newContext();
    const first = await firstToken(context, url);
    download ??= first.download;
    cold.push(first);
    warm.push(await firstToken(context, url));
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
  const seconds = (starts: readonly Start[], what: "readyMs" | "tokenMs") =>
    spreadOf(starts.map((start) => start[what] / 1000));
  const ready = { cold: seconds(cold, "readyMs"), warm: seconds(warm, "readyMs") };
  const firstTokens = { cold: seconds(cold, "tokenMs"), warm: seconds(warm, "tokenMs") };
  const targets: Target[] = [
    {
      what: "warm page load to an open model",
      target: `at most ${READY} s`,
      measured: showSpread(ready.warm, "s"),
      holds: ready.warm.median <= READY,
    },
  ];
  const version = browser.version();
  const json = {
    secondsToReady: ready,
    secondsToFirstToken: firstTokens,
    forwards,
    download,
    backend,
    browser: version,
    targets,
  };
  const tables: Table[] = [
    targetTable(targets),
    {
      title: "Page load",
      columns: ["to", "cold", "warm"],
      rows: [
        ["an open model", showSpread(ready.cold, "s"), showSpread(ready.warm, "s")],
        ["the first resolved token", showSpread(firstTokens.cold, "s"), showSpread(firstTokens.warm, "s")],
      ],
    },
    {
      title: "Forwards at one token a step",
      columns: ["canvas", "a forward", "tokens/s"],
      rows: forwards.map(({ canvas, msPerForward: ms, tokensPerSecond }) => [
        String(canvas),
        showSpread(ms, "ms"),
        String(tokensPerSecond),
      ]),
      notes: [`A cold visit downloads ${JSON.stringify(download)}.`],
    },
  ];
  return { json, tables, intro: [`${backend} Chromium ${version}.`] };
}

/** Milliseconds from the start of the navigation, with Generate pressed as soon as it is there. */
interface Start {
  /** The model is open and its first run has begun. */
  readonly readyMs: number;
  readonly tokenMs: number;
}

interface Download {
  readonly pageBytes: number;
  readonly runtimeBytes: number;
  readonly modelBytes: number;
}

async function firstToken(
  context: BrowserContext,
  url: string,
): Promise<Start & { readonly download: Download }> {
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
        const { dataset } = document.documentElement;
        if (phase === "generating") dataset["open"] ??= String(performance.now());
        if (phase === "generating" && steps === 1) dataset["firstToken"] ??= String(performance.now());
      },
      true,
    );
  });
  await page.goto(url, { waitUntil: "commit" });
  await page.getByRole("textbox", { name: "Prompt" }).fill(PROMPT);
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  const found = page.locator("html[data-first-token]");
  await found.waitFor({ state: "attached", timeout: 120_000 });
  const tokenMs = Number(await found.getAttribute("data-first-token"));
  const readyMs = Number(await found.getAttribute("data-open"));
  await page.close();
  return { readyMs, tokenMs, download: bytes };
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
