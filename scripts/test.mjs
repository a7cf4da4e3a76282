import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureInstalled } from "./install.mjs";

// Runs the unit and end-to-end tests (`--slow`: the slow ones) and closes with one line of totals.
const slow = process.argv.includes("--slow");
ensureInstalled();
const { ensureChromium } = await import("./chromium.mjs");
const { ensureBuilt } = await import("./build-app.mjs");
const chromium = ensureChromium();
ensureBuilt();

const scratch = mkdtempSync(join(tmpdir(), "unmask-test-"));
const totals = { passed: 0, failed: 0 };
const skips = [];
const failures = [];

function run(label, args, report, count, env) {
  const result = spawnSync(process.execPath, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  if (!existsSync(report)) {
    console.log(`${label} ended without a report (exit ${result.status ?? result.signal})`);
    totals.failed += 1;
    return;
  }
  const before = totals.failed;
  count(JSON.parse(readFileSync(report, "utf8")));
  if (result.status !== 0 && totals.failed === before) totals.failed += 1;
}

function countVitest(report) {
  totals.passed += report.numPassedTests;
  totals.failed += report.numFailedTests;
  for (const file of report.testResults) {
    if (file.status === "failed" && file.assertionResults.length === 0) {
      totals.failed += 1;
      failures.push(`${file.name}: ${file.message}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === "failed") failures.push(`${test.fullName}: ${test.failureMessages[0] ?? ""}`);
      if (test.status === "skipped" || test.status === "pending") skips.push(test.fullName);
    }
  }
}

function countPlaywright(report) {
  totals.passed += report.stats.expected + report.stats.flaky;
  totals.failed += report.stats.unexpected + report.errors.length;
  const visit = (suite) => {
    for (const child of suite.suites ?? []) visit(child);
    for (const spec of suite.specs ?? []) {
      const skipped = spec.tests.find((test) => test.status === "skipped");
      const why = skipped?.annotations.find(({ type }) => type === "skip")?.description;
      if (skipped) skips.push(`${spec.file}: ${spec.title}${why === undefined ? "" : `: ${why}`}`);
      if (!spec.ok) failures.push(`${spec.file}: ${spec.title}`);
    }
  };
  for (const suite of report.suites) visit(suite);
}

const unit = join(scratch, "unit.json");
run(
  "vitest",
  [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    slow ? "slow" : "unit",
    "--passWithNoTests",
    // Left alone it keeps a core free, which on two of them is half of the machine; slow tests measure memory and time.
    ...(slow ? [] : ["--maxWorkers=100%"]),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${unit}`,
  ],
  unit,
  countVitest,
);
const e2e = join(scratch, "e2e.json");
run(
  "playwright",
  [
    "node_modules/@playwright/test/cli.js",
    "test",
    "--pass-with-no-tests",
    ...(slow ? ["slow", "wasm-slow", "webgpu-slow"] : ["wasm", "webgpu"]).map((name) => `--project=${name}`),
    "--reporter=list,json",
  ],
  e2e,
  countPlaywright,
  { PLAYWRIGHT_JSON_OUTPUT_NAME: e2e, CHROMIUM_PATH: chromium },
);
rmSync(scratch, { recursive: true, force: true });

for (const name of skips) console.log(`skipped: ${name}`);
// Once more at the end: a log is often only kept from there.
for (const name of failures) console.log(`failed: ${name.split("\n")[0]}`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 ? 0 : 1);
