import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, type Page } from "@playwright/test";
import { test } from "./strict-test.ts";

/** Opens a page of another origin, under the policy that docs/embed.md asks for; returns what the console complains of. */
async function openHost(page: Page, site: string, body: string): Promise<string[]> {
  const from = new URL(site).origin;
  const policy = [
    "default-src 'none'",
    `script-src ${from} 'wasm-unsafe-eval'`,
    `worker-src blob: ${from}`,
    `connect-src ${from}`,
    "img-src 'self'",
    "base-uri 'none'",
  ].join("; ");
  // A real server: a page that is only made up counts as public, and may not reach this machine's own addresses.
  const server = createServer((request, response) => {
    if (request.url !== "/") return response.writeHead(204).end();
    response.writeHead(200, { "Content-Type": "text/html", "Content-Security-Policy": policy });
    return response.end(
      `<!doctype html><title>host</title><script type="module" src="${site}embed.js"></script>${body}`,
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  page.on("close", () => server.close());
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return problems;
}

const SHORT = `{"preset":"llada","length":16}`;

test("one script tag on a page of another origin writes, under a strict policy", async ({
  page,
  baseURL,
}) => {
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  const problems = await openHost(
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
  await openHost(
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
