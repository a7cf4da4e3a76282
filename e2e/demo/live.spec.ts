import { expect, type Page } from "@playwright/test";
import { openDemo, STORY } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

interface Begun {
  readonly prompt: string;
  readonly draft: string | undefined;
}

/** Prompts and drafts of the runs that ended from now on. */
async function watchRuns(page: Page): Promise<() => Promise<readonly Begun[]>> {
  const runs = await page.evaluateHandle(() => {
    const found: Begun[] = [];
    const sheet = document.querySelector("unmask-text")!;
    sheet.addEventListener("unmask-done", ({ detail }) => {
      if (detail.reason === "aborted") return;
      const { prompt, recipe } = sheet.trace!;
      const { init } = recipe as { init?: { draft?: string } };
      found.push({ prompt: prompt.text, draft: init?.draft });
    });
    return found;
  });
  return () => runs.jsonValue();
}

test("written as one types: the last edit wins, and begins from the text before", async ({ page }) => {
  const demo = await openDemo(page);
  const live = page.getByRole("checkbox", { name: "Write as I type" });
  await page.getByRole("button", { name: "More", exact: true }).click();
  await live.check();
  await demo.prompt.fill(STORY);
  // No model is fetched by typing alone.
  await page.waitForTimeout(2000);
  await expect(demo.status).toHaveText("ready");

  await demo.run(STORY, 24);
  const first = (await demo.text()).slice(STORY.length);
  const runs = await watchRuns(page);
  await demo.prompt.pressSequentially(" was very old and", { delay: 30 });
  const prompt = `${STORY} was very old and`;
  await expect.poll(async () => (await runs()).at(-1)?.prompt, { timeout: 60_000 }).toBe(prompt);
  const [{ draft } = { draft: undefined }] = (await runs()).slice(-1);
  expect(draft).toBeTruthy();
  expect(first).toContain(draft!.trim());
  await expect(demo.status).toContainText("done: ");
  expect((await demo.text()).startsWith(prompt)).toBe(true);
  await expect(demo.prompt).toBeFocused();

  await live.uncheck();
  const count = (await runs()).length;
  await demo.prompt.pressSequentially(" so", { delay: 30 });
  await page.waitForTimeout(1500);
  expect(await runs()).toHaveLength(count);
});
