import { expect, type Page } from "@playwright/test";
import { BAD, GOOD, NASTY } from "../support/hostile-traces.ts";
import { openOtherOrigin } from "../support/other-origin.ts";
import { openOwnPage } from "../support/own-page.ts";
import { openStaticHost } from "../support/static-host.ts";
import { test } from "../support/strict-test.ts";

/** A page of another origin that shows nothing but traces. */

/** Answers for trace files of the site: `files` by name. */
async function serve(page: Page, files: Readonly<Record<string, string>>): Promise<void> {
  await page.route("**/*.unmask.json", async (route) => {
    const body = files[new URL(route.request().url()).pathname.slice(1)];
    const headers = { "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin" };
    await route.fulfill(body === undefined ? { status: 404, headers } : { body, headers });
  });
}

test("an element that only plays a trace fetches nothing of the runtime, and starts no worker", async ({
  page,
  baseURL,
}) => {
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(request.url()));
  await serve(page, { "story.unmask.json": JSON.stringify(GOOD) });
  const problems = await openOtherOrigin(
    page,
    baseURL!,
    `<unmask-text src="${baseURL}story.unmask.json" autoplay controls></unmask-text>`,
  );
  const sheet = page.locator("unmask-text");
  await expect(sheet).toHaveJSProperty("text", "Hi fox");
  await sheet.getByRole("button", { name: "Play" }).click();
  await expect(sheet).toHaveJSProperty("text", "Hi fox");
  await sheet.getByRole("slider", { name: "Step" }).fill("0");
  await expect(sheet).toHaveJSProperty("text", "Hi …");
  expect(page.workers()).toEqual([]);
  expect(fetched.filter((url) => /worker|client|ort|wasm|models/.test(url))).toEqual([]);
  expect(fetched.filter((url) => url.startsWith(baseURL!)).length).toBeGreaterThan(2);
  expect(problems).toEqual([]);
});

test("traces that cannot be trusted are refused in a sentence, and the next one plays", async ({
  page,
  baseURL,
}) => {
  test.setTimeout(240_000);
  const files: Record<string, string> = { "good.unmask.json": JSON.stringify(GOOD) };
  for (const [at, [, content]] of BAD.entries()) files[`bad-${at}.unmask.json`] = content;
  await serve(page, files);
  await openOtherOrigin(page, baseURL!, `<unmask-text controls></unmask-text>`);
  const sheet = page.locator("unmask-text");
  const open = (name: string): Promise<void> =>
    sheet.evaluate((element, src) => element.setAttribute("src", src), `${baseURL}${name}.unmask.json`);
  for (const [at, [name, , says]] of [...BAD, ["missing", "", /There is no trace/] as const].entries()) {
    await test.step(name, async () => {
      await open(`bad-${at}`);
      await expect(sheet.getByRole("status")).toHaveText(says);
      await expect(sheet).toHaveJSProperty("state.phase", "error");
      await open("good");
      await expect(sheet).toHaveJSProperty("text", "Hi fox");
    });
  }
});

test("a trace file without an end is given up, one that cannot be fetched is told", async ({ page }) => {
  await using host = await openStaticHost();
  await host.write("large.unmask.json", " ".repeat(33 * 2 ** 20));
  await host.write(
    "host.html",
    `<!doctype html><title>host</title><script type="module" src="embed.js"></script>
<unmask-text controls src="large.unmask.json"></unmask-text>`,
  );
  await page.goto(`${host.site}host.html`);
  const sheet = page.locator("unmask-text");
  await expect(sheet.getByRole("status")).toHaveText(/too large for a trace.*trace-invalid/);
  await page.route("**/gone.unmask.json", (route) => route.abort());
  await sheet.evaluate((element) => element.setAttribute("src", "gone.unmask.json"));
  await expect(sheet.getByRole("status")).toHaveText(/cannot be fetched.*download-failed/);
});

test("tokens that look like markup, turn text around or split an emoji are shown safely", async ({
  page,
  baseURL,
}) => {
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await serve(page, { "nasty.unmask.json": JSON.stringify(NASTY) });
  const markup = `src="${baseURL}nasty.unmask.json" controls prompt="&lt;img src=x&gt; \u202eabc"`;
  await openOtherOrigin(page, baseURL!, `<form><unmask-text name="story" ${markup}></unmask-text></form>`);
  const sheet = page.locator("unmask-text");
  await expect(sheet).toHaveJSProperty("state.phase", "done");
  const seen = await sheet.evaluate((element) => {
    const root = element.shadowRoot!;
    return {
      text: root.querySelector("[part=sheet]")!.textContent,
      poster: root.querySelector("slot")!.textContent,
      value: new FormData(document.querySelector("form")!).get("story"),
      elements: root.querySelectorAll("img, script").length,
    };
  });
  for (const text of [seen.text, seen.value]) {
    expect(text).toContain('<img src=x onerror="alert(1)">');
    expect(text).toContain("‹U+202E›gnp.exe‹U+202C›");
    expect(text).toContain("\u{1f98a}");
    expect(text).toContain("‹U+0000›‹U+001B›[31m");
  }
  expect(seen.poster).toBe("<img src=x> ‹U+202E›abc");
  expect(seen.elements).toBe(0);
  expect(dialogs).toEqual([]);
});

test("for a reader who asks for less motion nothing plays by itself, and nothing is animated", async ({
  page,
}) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await serve(page, { "story.unmask.json": JSON.stringify(GOOD) });
  await openOwnPage(page, `<unmask-text controls autoplay src="story.unmask.json"></unmask-text>`);
  const sheet = page.locator("unmask-text");
  await expect(sheet).toHaveJSProperty("text", "Hi fox");
  await expect(sheet).toHaveJSProperty("state.playing", false);
  const animated = await sheet.evaluate((element) => {
    const { shadowRoot, seek } = element as HTMLElement & { seek(n: number): void };
    const counts = [0, 1, 0].map((n) => {
      seek.call(element, n);
      return shadowRoot!.getAnimations().length;
    });
    return counts;
  });
  expect(animated).toEqual([0, 0, 0]);
});
