import { expect, type Page } from "@playwright/test";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

interface Sheet extends HTMLElement {
  trace: unknown;
  seek(step: number): void;
}

const commit = (row: number, id: number, conf: number): object => ({ row, id, conf, reason: "best" });
const step = (at: number, masksLeft: number, more: object): object => ({
  type: "step",
  step: at,
  nfe: at,
  commits: [],
  remasks: [],
  overwrites: [],
  inserts: [],
  deletes: [],
  masksLeft,
  ...more,
});
/** "Once" is given; "upon" is sure, "time" doubtful and taken back in the third step; the last cell stays a mask. */
const TRACE = {
  schema: 1,
  model: "scripted",
  recipe: { preset: "llada" },
  seed: 1,
  prompt: { text: "Once", ids: [1] },
  events: [
    {
      type: "start",
      canvas: [1, 0, 0, 0],
      maskId: 0,
      promptLen: 1,
      gaps: [[1, 4]],
      recipe: { preset: "llada" },
      seed: 1,
      pieces: { 1: "Once", 2: " upon", 3: " time" },
    },
    step(1, 2, { commits: [commit(1, 2, 0.99)] }),
    step(2, 1, { commits: [commit(2, 3, 0.08)] }),
    step(3, 2, { remasks: [{ row: 2 }] }),
  ],
};

/** Puts a sheet with the trace beside the demo's, after its first step. */
async function showScripted(page: Page): Promise<void> {
  await openDemo(page, "..");
  await page.evaluate((trace) => {
    const sheet = document.createElement("unmask-text") as Sheet;
    sheet.id = "scripted";
    document.querySelector("main")?.before(sheet);
    sheet.trace = trace;
    sheet.seek(1);
  }, TRACE);
}

test("given, masked, fresh, cooling, doubtful, provisional and taken back are told apart by shape", async ({
  page,
}) => {
  await showScripted(page);
  const sheet = page.locator("#scripted");
  const cell = (row: number) => sheet.locator(".cell").nth(row);
  const seek = (at: number): Promise<void> => sheet.evaluate((node: Sheet, n) => node.seek(n), at);

  await expect(cell(0)).toHaveAttribute("part", "prompt");
  await expect(cell(1)).toHaveAttribute("part", "token fresh");
  expect(
    await cell(1)
      .locator(".word")
      .evaluate((node) => getComputedStyle(node).backgroundImage),
  ).toContain("gradient");
  await expect(cell(3).locator(".bar")).toBeVisible();
  expect((await cell(3).locator(".bar").boundingBox())?.width).toBeGreaterThan(15);

  const upon = await cell(1).locator(".word").elementHandle();
  await seek(2);
  await expect(cell(1)).toHaveAttribute("part", "token cooling");
  // Only what changed is drawn anew: the word is the same node, so that its colour can cool.
  expect(
    await cell(1)
      .locator(".word")
      .evaluate((node, before) => node === before, upon),
  ).toBe(true);
  expect(
    await cell(2)
      .locator(".word")
      .evaluate((node) => getComputedStyle(node).textDecorationStyle),
  ).toBe("dotted");

  await seek(3);
  await expect(cell(2)).toHaveAttribute("part", "mask");
  await expect(cell(2)).toHaveClass(/taken/);
  expect(
    await cell(1)
      .locator(".word")
      .evaluate((node) => getComputedStyle(node).fontStyle),
  ).toBe("italic");
  expect(
    await cell(0)
      .locator(".word")
      .evaluate((node) => getComputedStyle(node).fontStyle),
  ).toBe("normal");
});

test("with reduced motion nothing moves", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await showScripted(page);
  const word = page.locator("#scripted .fresh .word");
  expect(await word.evaluate((node) => getComputedStyle(node).animationName)).toBe("none");
});
