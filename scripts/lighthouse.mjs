import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import lighthouse, { desktopConfig } from "lighthouse";
import { chromium } from "playwright";
import { ensureBuilt } from "./build-app.mjs";
import { ensureChromium } from "./chromium.mjs";
import { serveFolder } from "./serve.mjs";

// Lighthouse over the built page with simulated throttling: as a phone at the root of a host, and as a desktop below a
// path. The median of five runs each, or one with --quick. Prints one JSON document and fails below the bars.
const BARS = { performance: 95, accessibility: 100, "best-practices": 100 };
const FIGURES = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "speed-index"];
const PAGES = [
  { form: "phone", path: "/", config: undefined },
  { form: "desktop", path: "/x/y/", config: desktopConfig },
];
const runs = process.argv.includes("--quick") ? 1 : 5;

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function freePort() {
  return new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/** Scores of one run in percent, its figures in ms, and the audits that cost points. Each run has a browser of its own. */
async function audit(url, config, executablePath) {
  const port = await freePort();
  const browser = await chromium.launch({
    executablePath,
    channel: "chromium",
    args: ["--no-sandbox", `--remote-debugging-port=${port}`],
  });
  try {
    const flags = {
      port,
      logLevel: "error",
      output: "json",
      onlyCategories: Object.keys(BARS),
      throttlingMethod: "simulate",
    };
    const result = await lighthouse(url, flags, config);
    const { categories, audits, runtimeError } = result.lhr;
    if (runtimeError !== undefined) throw new Error(`Lighthouse: ${runtimeError.message}`);
    return {
      scores: mapValues(categories, ({ score }) => Math.round((score ?? 0) * 100)),
      figures: Object.fromEntries(FIGURES.map((name) => [name, Math.round(audits[name].numericValue)])),
      layoutShift: audits["cumulative-layout-shift"].numericValue,
      shifts: (audits["layout-shifts"]?.details?.items ?? []).map(
        ({ node, score }) => `${score.toFixed(3)} ${node?.selector ?? ""}`,
      ),
      lost: Object.values(categories).flatMap(({ auditRefs }) => lostPoints(auditRefs, audits)),
    };
  } finally {
    await browser.close();
  }
}

function mapValues(record, change) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

function lostPoints(auditRefs, audits) {
  return auditRefs
    .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 0.9)
    .map(({ id }) => `${id}: ${audits[id].displayValue ?? audits[id].title}`);
}

const chromePath = ensureChromium();
ensureBuilt();
const root = mkdtempSync(join(tmpdir(), "unmask-lighthouse-"));
mkdirSync(join(root, "x"));
symlinkSync(resolve("dist-app"), join(root, "x/y"));
const servers = {
  "/": await serveFolder({ folder: "dist-app", port: 0 }),
  "/x/y/": await serveFolder({ folder: root, port: 0 }),
};
try {
  const pages = [];
  for (const { form, path, config } of PAGES) {
    const url = `http://127.0.0.1:${servers[path].address().port}${path}`;
    const results = [];
    for (let run = 0; run < runs; run++) results.push(await audit(url, config, chromePath));
    const medians = mapValues(BARS, (_, name) => median(results.map(({ scores }) => scores[name])));
    const pass = Object.entries(BARS).every(([name, bar]) => medians[name] >= bar);
    pages.push({ form, path, pass, medians, runs: results });
  }
  const pass = pages.every((page) => page.pass);
  console.log(JSON.stringify({ pass, bars: BARS, pages }, null, 2));
  process.exitCode = pass ? 0 : 1;
} finally {
  for (const server of Object.values(servers)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(root, { recursive: true });
}
