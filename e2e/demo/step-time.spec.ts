import { expect } from "@playwright/test";
import type { GenerateEvent, StepTime, Trace } from "../../src/core/events.ts";
import { openDemo, STORY } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

/** Of the middle step: where another program stalls one step for longer than the milliseconds that are counted, the sum would tell of that. */
const OUTSIDE = 0.05;
/** Of all steps, such stalls included. */
const OUTSIDE_ALL = 0.15;

type Step = Extract<GenerateEvent, { type: "step" }>;

test("a step spends its time in the model and its answer, and the page says so", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.run(STORY, 48);
  const trace = await page
    .locator("unmask-text")
    .evaluate((sheet: HTMLElement & { trace: Trace }) => sheet.trace);
  const steps = trace.events.filter((event): event is Step => event.type === "step");
  expect(steps.length).toBeGreaterThanOrEqual(24);
  expect(steps.every(({ time }) => time !== undefined)).toBe(true);
  // The first step also starts threads and fills caches.
  const [first, ...later] = steps;
  const sum = (part: keyof StepTime) => later.reduce((total, { time }) => total + time![part], 0);
  const total = sum("upload") + sum("run") + sum("readback") + sum("decide") + sum("display");
  const wall = later.at(-1)!.ms! - first!.ms!;
  // The phases are a partition of the wall time.
  expect(Math.abs(total - wall)).toBeLessThan(0.05 * wall);
  const shares = later
    .map(({ time }) => time!)
    .map(({ upload, run, readback, decide, display }) => {
      const outside = upload + decide + display;
      return outside / (outside + run + readback);
    })
    .sort((a, b) => a - b);
  const middle = shares[Math.floor(shares.length / 2)]!;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const all = (total - sum("run") - sum("readback")) / total;
  const middleOf = (part: keyof StepTime): string => {
    const sorted = later.map(({ time }) => time![part]).sort((a, b) => a - b);
    return `${part} ${sorted[Math.floor(sorted.length / 2)]!.toFixed(2)}`;
  };
  const phases = (["upload", "run", "readback", "decide", "display"] as const).map(middleOf).join(", ");
  const description = `${percent(middle)} of the middle step, ${percent(shares.at(-1)!)} at most, ${percent(all)} of all: ${(wall / later.length).toFixed(1)} ms a step; the middle of each phase, ms: ${phases}`;
  test.info().annotations.push({ type: "outside run and readback", description });
  expect(middle, description).toBeLessThan(OUTSIDE);
  expect(all, description).toBeLessThan(OUTSIDE_ALL);

  await expect(page.locator("#time")).toBeVisible();
  const words = await page.locator("#time dd").allTextContents();
  expect(words.map((word) => Number.parseInt(word, 10)).reduce((a, b) => a + b, 0)).toBe(100);
  await expect(page.locator("#time")).toHaveAttribute("title", /model \d+.*reading back.*deciding/);
  // And of any step by itself.
  const at = Math.floor(steps.length / 2);
  const { run, readback } = steps[at - 1]!.time!;
  const shown = (ms: number): string => ms.toFixed(ms < 10 ? 2 : 1);
  const slider = page.getByRole("slider", { name: "Step" });
  await slider.fill(String(at));
  await expect(slider).toHaveAttribute(
    "title",
    new RegExp(`of step ${at}: .*model ${shown(run)}, reading back ${shown(readback)},`),
  );
});
