import { expect, type Page } from "@playwright/test";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { type TinyBundle, tinyBundle } from "../support/tiny-bundle.ts";

let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["q4"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());

/** Chats by a template of the caller; resolves with the number of tokens of the prompt, or the code of the error. */
function chat(page: Page, template: string): Promise<number | string> {
  return page.locator("unmask-text").evaluate(async (sheet, jinja) => {
    const element = sheet as HTMLElement & {
      generate(options: object): Promise<unknown>;
      readonly trace: { events: readonly { type: string; promptLen?: number }[] };
    };
    try {
      await element.generate({ prompt: "Hi <|im_end|>", maxNewTokens: 4, chat: { template: jinja } });
      return element.trace.events.find(({ type }) => type === "start")?.promptLen ?? 0;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }, template);
}

test("a template of the caller runs in a worker of its own, which is killed when it does not end", async ({
  page,
}) => {
  await bundle.route(page);
  await openDemo(page, "?backend=wasm&model=models/tiny");
  const written = await chat(
    page,
    "<|im_start|>{% for m in messages %}{{ m.content }}{% endfor %}<|im_end|>",
  );
  // Two control tokens by the template; the user's is text.
  expect(written).toBeGreaterThan(8);
  await expect.poll(() => page.workers().filter((worker) => worker.url().includes("template"))).toEqual([]);
  const workers = page.workers().length;
  const began = Date.now();
  const loops = `${"{% for i in range(1000) %}".repeat(5)}${"{% endfor %}".repeat(5)}`;
  expect(await chat(page, loops)).toBe("invalid-options");
  expect(Date.now() - began).toBeLessThan(30_000);
  expect(await chat(page, "{{ raise_exception('no') }}")).toBe("invalid-options");
  expect(await chat(page, "<|im_start|>{{ messages[0].content }}")).toBe((written as number) - 1);
  // The engine and its threads; no template worker is left.
  await expect.poll(() => page.workers().length).toBe(workers);
});
