import { expect, type Locator } from "@playwright/test";
import type { Trace } from "../../src/core/events.ts";
import { openDemo, STORY } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

const box = async (locator: Locator): Promise<{ x: number; y: number; width: number; height: number }> => {
  const found = await locator.boundingBox();
  if (found === null) throw new Error("The element is not drawn.");
  return found;
};

test("the prompt is the first paragraph: the text goes on in its last line, in its type, and is drawn once", async ({
  page,
}) => {
  const demo = await openDemo(page);
  await demo.run(STORY, 24);
  const prompt = await box(demo.prompt);
  const first = await box(page.locator("unmask-text .cell:not(.given) .word").first());
  expect(first.y).toBeGreaterThanOrEqual(prompt.y - 2);
  expect(first.y + first.height).toBeLessThanOrEqual(prompt.y + prompt.height + 2);
  expect(first.x).toBeGreaterThan(prompt.x + 100);
  for (const cell of await page.locator("unmask-text .given").all()) await expect(cell).toBeHidden();
  const face = (node: Element): string => {
    const { fontFamily, fontSize, lineHeight } = getComputedStyle(node);
    return `${fontFamily} ${fontSize} ${lineHeight}`;
  };
  expect(await demo.prompt.evaluate(face)).toBe(await page.locator("unmask-text .sheet").evaluate(face));
});

test("the prompt grows with what is typed and the written text fades when it is out of date", async ({
  page,
}) => {
  const demo = await openDemo(page);
  const line = await demo.prompt.evaluate((node) => Number.parseFloat(getComputedStyle(node).lineHeight));
  expect((await box(demo.prompt)).height).toBeLessThan(2 * line);
  await demo.run(STORY, 8);
  const sheet = page.locator("unmask-text");
  const opacity = (): Promise<string> => sheet.evaluate((node) => getComputedStyle(node).opacity);
  expect(await opacity()).toBe("1");
  await demo.prompt.fill(`${STORY} ${"ran and ran ".repeat(12)}`);
  expect((await box(demo.prompt)).height).toBeGreaterThanOrEqual(3 * line);
  expect(await demo.prompt.evaluate((node) => node.scrollHeight - node.clientHeight)).toBeLessThanOrEqual(1);
  expect(Number(await opacity())).toBeLessThan(1);
  await demo.prompt.fill(STORY);
  expect(await opacity()).toBe("1");
});

test("the model's own recipe is the one of the mode, with its temperature, until another strategy is chosen", async ({
  page,
}) => {
  const demo = await openDemo(page);
  const recipe = () =>
    page.locator("unmask-text").evaluate((sheet: HTMLElement & { trace: Trace }) => sheet.trace.recipe);
  await demo.run(STORY, 12);
  expect(await recipe()).toMatchObject({ block: 4, temperature: 0.7, suppress: { repeats: 4 } });
  await page.getByRole("button", { name: "More" }).click();
  const guard = page.getByRole("checkbox", { name: "No phrase twice" });
  await expect(guard).toBeDisabled();
  await page.getByRole("combobox", { name: "Mode", exact: true }).selectOption("task");
  await demo.run("add 4 + 5", 12);
  expect(await recipe()).toMatchObject({ block: 12, temperature: 0 });
  await page.getByRole("combobox", { name: "Mode", exact: true }).selectOption("story");
  await page.getByRole("combobox", { name: "Strategy" }).selectOption("LLaDA");
  await expect(guard).toBeEnabled();
  await demo.run(STORY, 12);
  expect(await recipe()).toMatchObject({ preset: "llada", temperature: 0, suppress: { repeats: 4 } });
});

test("the answer to a task is a paragraph below the task, which is not repeated", async ({ page }) => {
  const demo = await openDemo(page);
  await page.getByRole("button", { name: /^sudoku/ }).click();
  await expect(page.getByRole("combobox", { name: "Mode", exact: true })).toHaveValue("task");
  await expect(demo.generate).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(demo.status).toContainText("done", { timeout: 90_000 });
  const prompt = await box(demo.prompt);
  expect((await box(page.locator("unmask-text .sheet"))).y).toBeGreaterThanOrEqual(prompt.y + prompt.height);
  for (const cell of await page.locator("unmask-text .given").all()) await expect(cell).toBeHidden();
});

test("filled gaps stand in the whole text below the prompt", async ({ page }) => {
  const demo = await openDemo(page);
  await page.getByRole("button", { name: "Lily found" }).click();
  await expect(demo.fill).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(demo.status).toContainText("done", { timeout: 90_000 });
  await expect(page.locator("unmask-text .given").first()).toBeVisible();
  const prompt = await box(demo.prompt);
  expect((await box(page.locator("unmask-text .sheet"))).y).toBeGreaterThanOrEqual(prompt.y + prompt.height);
});

test("all controls stand in one row on a desktop, below the sheet", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  const demo = await openDemo(page);
  const controls = [
    demo.generate,
    demo.stop,
    demo.step,
    demo.fill,
    page.getByRole("combobox", { name: "Strategy" }),
    page.getByRole("spinbutton", { name: "Length" }),
    page.getByRole("button", { name: "More", exact: true }),
  ];
  const boxes = await Promise.all(controls.map(box));
  const middles = boxes.map(({ y, height }) => y + height / 2);
  expect(Math.max(...middles) - Math.min(...middles)).toBeLessThan(2);
  for (let i = 1; i < boxes.length; i += 1) {
    expect(boxes[i]!.x).toBeGreaterThanOrEqual(boxes[i - 1]!.x + boxes[i - 1]!.width);
  }
  expect(Math.min(...middles)).toBeGreaterThan((await box(demo.canvas)).y + (await box(demo.canvas)).height);
});

test("nothing below the sheet moves while the text resolves", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 600 });
  const demo = await openDemo(page);
  await demo.prompt.fill(STORY);
  await demo.setLength(48);
  await demo.step.click();
  await expect(demo.status).toContainText("held after step 1,", { timeout: 90_000 });
  const height = (): Promise<number> => page.locator("#running").evaluate((node) => node.clientHeight);
  const first = await height();
  await demo.generate.click();
  await expect(demo.status).toContainText("done", { timeout: 90_000 });
  expect(await height()).toBeGreaterThanOrEqual(first);
});

test("an error offers a button that repeats the run, and it then works", async ({ page }) => {
  const demo = await openDemo(page);
  await page.route("**/models/default/unmask.json", (route) => route.fulfill({ status: 404, body: "gone" }));
  await demo.prompt.fill(STORY);
  await demo.setLength(8);
  await demo.generate.click();
  await expect(demo.problem).toContainText("not-found");
  await page.unrouteAll({ behavior: "wait" });
  await demo.problem.getByRole("button", { name: "Try again" }).click();
  await expect(demo.status).toContainText("done", { timeout: 90_000 });
  await expect(demo.problem).toBeHidden();
  expect(await demo.text()).toContain(STORY);
});
