import { join, resolve } from "node:path";
import { expect, type Page } from "@playwright/test";
import { ensureLibrary } from "../../scripts/build-app.mjs";
import { test } from "../support/strict-test.ts";
import { exampleProject, openSite, type Project } from "./project.ts";

/** Every example, copied out of the checkout and built against the package as it is published. */
const VITE = resolve("node_modules/vite/bin/vite.js");
const TSC = resolve("node_modules/typescript/lib/tsc.js");
const WRITTEN = { timeout: 240_000 };

test.setTimeout(480_000);
test.beforeAll(() => {
  test.setTimeout(300_000);
  ensureLibrary();
});

async function build(project: Project): Promise<string> {
  await project.node(resolve("dist/cli.js"), "assets", "public");
  await project.node(VITE, "build");
  return join(project.folder, "dist");
}

/** Sends the form; what it sends must be what the element holds. */
async function expectSent(page: Page, begin: string): Promise<void> {
  await page.getByRole("button", { name: "Send" }).click();
  const text = await page.locator("unmask-text").evaluate((sheet) => (sheet as HTMLInputElement).value);
  expect(text.startsWith(begin)).toBe(true);
  expect(text.length).toBeGreaterThan(begin.length + 8);
  expect(text).not.toContain("…");
  await expect(page.locator("output")).toHaveText(`Sent: ${text.replaceAll(/\s+/g, " ")}`);
}

test("plain HTML: the element writes into a form, from an import map", async ({ page }) => {
  await using project = await exampleProject("html");
  await project.node(resolve("dist/cli.js"), "assets", ".");
  const problems = await openSite(page, project.folder);
  await page.getByLabel("Begin with").fill("One day");
  await page.getByRole("button", { name: "Write" }).click();
  await expect(page.locator("#figures")).toHaveText(/^step \d+, \d+ masks left$/, WRITTEN);
  await expect(page.locator("#figures")).toHaveText(/^\d+ tokens in \d+ steps$/, WRITTEN);
  await expectSent(page, "One day");
  await page.getByRole("button", { name: "Clear" }).click();
  expect(await page.locator("unmask-text").evaluate((sheet) => (sheet as HTMLInputElement).value)).toBe("");
  expect(problems).toEqual([]);
});

test("React: a run is begun, stopped and begun again from a component", async ({ page }) => {
  await using project = await exampleProject("react");
  await project.node(TSC, "-p", ".");
  const problems = await openSite(page, await build(project));
  const figures = page.locator("form + p");
  await page.getByRole("button", { name: "Write" }).click();
  await expect(figures).toHaveText(/masks left$/, WRITTEN);
  expect(await page.locator("unmask-text").getAttribute("heat")).toBe("");
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(figures).toHaveText(/tokens, aborted$/, WRITTEN);
  await expect(page.locator("unmask-text")).not.toHaveAttribute("heat");
  await page.getByLabel("Begin with").fill("The cat");
  await page.getByRole("button", { name: "Write" }).click();
  await expect(figures).toHaveText(/tokens, (complete|eos)$/, WRITTEN);
  await expectSent(page, "The cat");
  expect(problems).toEqual([]);
});

test("Vue: the gaps of a text are filled", async ({ page }) => {
  await using project = await exampleProject("vue");
  const problems = await openSite(page, await build(project));
  const fill = page.getByRole("button", { name: "Fill" });
  await page.getByRole("textbox").fill("No gap at all");
  await expect(fill).toBeDisabled();
  await page.getByRole("textbox").fill("Lily found a [[5]] in the garden.");
  await expect(page.locator("unmask-text slot[name=poster]")).toHaveText("Lily found a … in the garden.");
  await fill.click();
  await expect(page.locator("form + p")).toHaveText(/tokens, (complete|eos)$/, WRITTEN);
  await expect(page.locator("unmask-text")).not.toHaveAttribute("heat");
  await expectSent(page, "Lily found a");
  await expect(page.locator("output")).toHaveText(/in the garden\.$/);
  expect(problems).toEqual([]);
});

test("Svelte: the page draws a run from its events, and the element plays it again", async ({ page }) => {
  await using project = await exampleProject("svelte");
  const problems = await openSite(page, await build(project));
  const figures = page.locator("form + p");
  await page.getByRole("button", { name: "Write" }).click();
  await expect(figures).toHaveText(/tokens, (complete|eos)$/, WRITTEN);
  await expect(page.getByTestId("canvas")).toContainText("Once upon a time");
  await expect(page.getByTestId("canvas").locator(".mask")).toHaveCount(0);
  await page.getByRole("button", { name: "Play" }).click();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
  await page.getByRole("slider", { name: "Step" }).fill("1");
  await expect(page.locator("unmask-text").getByRole("button", { name: "Play" })).toBeVisible();
  await page.getByRole("slider", { name: "Step" }).fill("32");
  await expectSent(page, "Once upon a time");
  expect(problems).toEqual([]);
});
