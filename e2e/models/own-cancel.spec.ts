import { expect } from "@playwright/test";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { expectUnharmed, fakeHub, filesOf, openOwnForm, TINY } from "./own-hub.ts";

/** Stopping what does not come to an end by itself. */

test("a hub that never answers can be given up, and the next one is looked at", async ({ page }) => {
  await using hub = await fakeHub(await filesOf(TINY));
  await hub.route(page);
  // Requests of this name are never answered.
  await page.route("https://huggingface.co/api/models/slow/**", () => {});
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste("slow/hub");
  const cancel = page.getByRole("button", { name: "Cancel", exact: true });
  await cancel.click();
  await expect(cancel).toBeHidden();
  await expect(form.problem).toBeHidden();
  await form.paste(hub.server.repo);
  await expect(form.title).toHaveText("model");
  await expectUnharmed(page);
});

test("a worker that no longer listens is ended, and replaced", async ({ page }) => {
  await using hub = await fakeHub(await filesOf(TINY));
  await hub.route(page);
  await page.route("https://huggingface.co/api/models/slow/**", () => {});
  await openDemo(page);
  const form = await openOwnForm(page);
  const isConverter = (url: string) => url.includes("convert");
  await expect.poll(() => page.workers().some((worker) => isConverter(worker.url()))).toBe(true);
  const worker = page.workers().find((one) => isConverter(one.url()))!;
  await form.paste("slow/hub");
  // As a graph does that computes for ever.
  void worker.evaluate("for (;;);").catch(() => {});
  const cancel = page.getByRole("button", { name: "Cancel", exact: true });
  await cancel.click();
  await expect(cancel).toBeHidden({ timeout: 60_000 });
  await form.paste(hub.server.repo);
  await expect(form.title).toHaveText("model");
  await expectUnharmed(page);
});
