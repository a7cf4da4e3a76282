import AxeBuilder from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

test("the page tells about its model, with its figures and limits, and gives the focus back", async ({
  page,
}) => {
  await openDemo(page);
  const about = page.getByRole("button", { name: "About the embedded model" });
  await about.focus();
  await page.keyboard.press("Enter");
  const card = page.getByRole("dialog", { name: "About the embedded model" });
  await expect(card.getByRole("heading", { name: "unmask-s" })).toBeVisible();
  for (const part of ["Apache-2.0", "TinyStories", "bits a byte", "Limits."])
    await expect(card).toContainText(part);
  const { violations } = await new AxeBuilder({ page }).include("#card").analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await page.keyboard.press("Escape");
  await expect(card).toBeHidden();
  await expect(about).toBeFocused();
});
