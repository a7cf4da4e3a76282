import { expect } from "@playwright/test";
import { openOtherOrigin } from "./other-origin.ts";
import { test } from "./strict-test.ts";

const SHORT = `{"preset":"llada","length":16}`;

test("one script tag on a page of another origin writes, under a strict policy", async ({
  page,
  baseURL,
}) => {
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  const problems = await openOtherOrigin(
    page,
    baseURL!,
    `<form id="form"><unmask-text name="story" controls prompt="Once upon a time" recipe='${SHORT}'></unmask-text></form>`,
  );
  const sheet = page.locator("unmask-text");
  await expect(sheet.getByRole("button", { name: "Write" })).toBeVisible();
  await expect(sheet.locator("slot[name=poster]")).toContainText("Once upon a time");
  expect(fetched.filter((url) => /\.wasm|models\//.test(url))).toEqual([]);
  await sheet.getByRole("button", { name: "Write" }).click();
  await expect(sheet.getByRole("status")).toHaveText(/^done: \d+ tokens\. Once upon a time/, {
    timeout: 90_000,
  });
  const story = await page.evaluate(() =>
    new FormData(document.querySelector<HTMLFormElement>("#form")!).get("story"),
  );
  expect(story).toMatch(/^Once upon a time.+/s);
  expect(problems).toEqual([]);
  await page.evaluate(() => document.querySelector<HTMLFormElement>("#form")!.reset());
  expect(await page.evaluate(() => new FormData(document.querySelector("form")!).get("story"))).toBe("");
});

test("an error is told under the sheet, and a disabled sheet does not write", async ({ page, baseURL }) => {
  await openOtherOrigin(
    page,
    baseURL!,
    `<unmask-text controls prompt="Once" recipe='{"preset":"lada"}'></unmask-text>`,
  );
  const sheet = page.locator("unmask-text");
  await sheet.getByRole("button", { name: "Write" }).click();
  await expect(sheet.getByRole("status")).toHaveText(/\(unknown-recipe\)$/, { timeout: 90_000 });
  await expect(sheet.getByRole("button", { name: "Write" })).toBeEnabled();
  await sheet.evaluate((element) => element.toggleAttribute("disabled", true));
  await expect(sheet.getByRole("button", { name: "Write" })).toBeDisabled();
});

test("on a page of another origin that is isolated it writes with threads", async ({ page, baseURL }) => {
  const problems = await openOtherOrigin(
    page,
    baseURL!,
    `<unmask-text controls prompt="Once upon a time" recipe='${SHORT}'></unmask-text>`,
    { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
  );
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  const sheet = page.locator("unmask-text");
  await sheet.evaluate((element) => {
    const { loadOptions } = element as unknown as { loadOptions: object };
    Object.assign(loadOptions, { backend: "wasm" });
  });
  await sheet.getByRole("button", { name: "Write" }).click();
  await expect(sheet.getByRole("status")).toHaveText(/^done/, { timeout: 90_000 });
  const { threads } = await sheet.evaluate(
    (element) => (element as unknown as { info: { threads: number } }).info,
  );
  // A machine with one core has one thread.
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  expect(threads > 1).toBe(cores > 1);
  expect(problems).toEqual([]);
});
