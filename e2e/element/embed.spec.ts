import { expect } from "@playwright/test";
import type { UnmaskTextElement } from "../../src/element/element.ts";
import { openOtherOrigin } from "../support/other-origin.ts";
import { takeRefusals, test } from "../support/strict-test.ts";

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

for (const threads of [true, false]) {
  const policy = threads ? "allows blobs for scripts" : "is the documented one";
  test(`an isolated page of another origin writes ${threads ? "with threads" : "on one thread"} where its policy ${policy}`, async ({
    page,
    baseURL,
  }) => {
    const body = `<unmask-text controls prompt="Once upon a time" recipe='${SHORT}'></unmask-text>`;
    const problems = await openOtherOrigin(page, baseURL!, body, threads ? "threads" : true);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    const sheet = page.locator("unmask-text");
    await sheet.evaluate((element: UnmaskTextElement) => {
      element.loadOptions = { ...element.loadOptions, backend: "wasm", threads: 2 };
    });
    await sheet.getByRole("button", { name: "Write" }).click();
    await expect(sheet.getByRole("status")).toHaveText(/^done/, { timeout: 90_000 });
    const info = await sheet.evaluate((element: UnmaskTextElement) => element.info!);
    expect(info.threads).toBe(threads ? 2 : 1);
    if (threads) return expect(problems).toEqual([]);
    expect(info.reason).toContain("the policy of the page allows no scripts of blobs");
    // Whether blobs are allowed can only be tried; a browser may tell of it.
    takeRefusals();
  });
}
