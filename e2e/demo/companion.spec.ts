import { expect, type Page } from "@playwright/test";
import type * as Subject from "../pages/companion.ts";
import { openModule } from "../support/page-module.ts";
import { test } from "../support/strict-test.ts";

/** The autoregressive twin through transformers.js in a real browser, on the WASM runtime of the engine. */

type Written = Awaited<ReturnType<typeof Subject.write>>;

function write(page: Page, recipe: object, length: number): Promise<Written> {
  return page.evaluate(
    ([given, cells]) => (globalThis as unknown as { subject: typeof Subject }).subject.write(given, cells),
    [recipe, length] as const,
  );
}

test("supervises guided decoding over FreeCache: fewer forwards than tokens, all of them the engine's own", async ({
  page,
}) => {
  await openModule(page, "pages/companion.ts");
  const found = await write(page, { preset: "guided", block: 32, cache: "free", stop: { eos: false } }, 32);
  expect(found.asked).toBe(found.forwards);
  expect(found.agreed).toBeGreaterThan(0);
  expect(found.forwards).toBeLessThan(32);
  expect(found.text).toMatch(/[a-z]{3}/);
});

test("drafts a warm start, which the model confirms or rewrites", async ({ page }) => {
  await openModule(page, "pages/companion.ts");
  const found = await write(page, { preset: "warm-start", init: { from: "companion", keep: 0.1 } }, 32);
  expect(found.asked).toBe(1);
  expect(found.forwards).toBeLessThan(found.tokens);
});

test("the page itself fetches neither the library nor the twin", async ({ page }) => {
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto("");
  await page.getByRole("textbox", { name: "Prompt" }).waitFor();
  await page.waitForLoadState("networkidle");
  expect(asked.length).toBeGreaterThan(3);
  expect(asked.filter((path) => /transformers|models\/(ar|block)/.test(path))).toEqual([]);
});
