import { createServer } from "node:net";
import lighthouse from "lighthouse";
import { chromium } from "playwright";
import { ensureBuilt } from "./build-app.mjs";
import { ensureChromium } from "./chromium.mjs";
import { serveFolder } from "./serve.mjs";

// Lighthouse over the built page, as a phone with simulated throttling: the median of five runs, or one with --quick.
// Prints one JSON document and fails below the bars.
const BARS = { performance: 95, accessibility: 100, "best-practices": 100 };
const FIGURES = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "speed-index"];
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
async function audit(url, executablePath) {
  const port = await freePort();
  const browser = await chromium.launch({
    executablePath,
    channel: "chromium",
    args: ["--no-sandbox", `--remote-debugging-port=${port}`],
  });
  try {
    const result = await lighthouse(url, {
      port,
      logLevel: "error",
      output: "json",
      onlyCategories: Object.keys(BARS),
      throttlingMethod: "simulate",
    });
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
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

function lostPoints(auditRefs, audits) {
  return auditRefs
    .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 0.9)
    .map(({ id }) => `${id}: ${audits[id].displayValue ?? audits[id].title}`);
}

const chromePath = ensureChromium();
ensureBuilt();
const server = await serveFolder({ folder: "dist-app", port: 0 });
try {
  const url = `http://127.0.0.1:${server.address().port}/`;
  const results = [];
  for (let run = 0; run < runs; run++) results.push(await audit(url, chromePath));
  const names = Object.keys(BARS);
  const medians = Object.fromEntries(
    names.map((name) => [name, median(results.map(({ scores }) => scores[name]))]),
  );
  const pass = names.every((name) => medians[name] >= BARS[name]);
  console.log(JSON.stringify({ pass, medians, bars: BARS, runs: results }, null, 2));
  process.exitCode = pass ? 0 : 1;
} finally {
  server.closeAllConnections();
  server.close();
}
