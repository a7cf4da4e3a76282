import { expect, type Page } from "@playwright/test";
import type { Trace } from "../../src/core/events.ts";
import type { UnmaskTextElement } from "../../src/element/element.ts";
import { openOwnPage } from "../support/own-page.ts";
import { test } from "../support/strict-test.ts";
import { type TinyBundle, tinyBundle } from "../support/tiny-bundle.ts";
import { commit, step, traceOf } from "../support/written-trace.ts";

/** What a page can style, and what a form does with the element: each as docs/embed.md says it. */
let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["int8", "q4"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());

declare const sheet: UnmaskTextElement;
const PHASES = ["empty", "loading", "ready", "generating", "held", "done", "error"];
const TINY = `model="models/tiny" prompt="a b"`;

/** A given word; one word a step; the end of the text; a mask that was a word. */
const TRACE = traceOf({ 1: "Once", 2: " upon", 3: " a", 4: "" }, 7, [
  step(1, 5, { commits: [commit(1, 2, 0.9)] }),
  step(2, 4, { commits: [commit(2, 3, 0.05)] }),
  step(3, 3, { commits: [commit(4, 4, 0.9)] }),
  step(4, 2, { commits: [commit(5, 4, 0.9)] }),
  step(5, 3, { commits: [commit(3, 3, 0.9)], remasks: [{ row: 2 }] }),
]) as unknown as Trace;

async function open(page: Page, markup: string, head = ""): Promise<void> {
  await bundle.route(page);
  await openOwnPage(page, markup, head);
  await page.waitForFunction(() => customElements.get("unmask-text") !== undefined);
  await page.evaluate(() => {
    Object.assign(globalThis, { sheet: document.querySelector("unmask-text") });
    sheet.loadOptions = { ...sheet.loadOptions, backend: "wasm", threads: 1 };
  });
}

test("one custom state at a time tells what the element does", async ({ page }) => {
  await open(page, `<unmask-text ${TINY}></unmask-text>`);
  const seen = await page.evaluate(async (phases) => {
    const states: string[] = [];
    const note = (): void => {
      const held = phases.filter((phase) => sheet.matches(`:state(${phase})`)).join("+");
      if (held !== states.at(-1)) states.push(held);
    };
    sheet.addEventListener("unmask-draw", note);
    note();
    await sheet.load();
    const run = sheet.step({ maxNewTokens: 4, recipe: { preset: "llada" } });
    while (sheet.state.steps < 1) await new Promise((next) => setTimeout(next, 5));
    sheet.resume();
    await run;
    await sheet.generate({ recipe: { preset: "none" } }).catch(() => undefined);
    return states;
  }, PHASES);
  expect(seen).toEqual(["empty", "loading", "ready", "held", "generating", "done", "generating", "error"]);
});

test("parts, states and custom properties style what their names say", async ({ page }) => {
  // A fresh word fades in.
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(
    page,
    `<unmask-text controls></unmask-text>`,
    `<style>
  unmask-text { --unmask-ink: rgb(1, 2, 3); --unmask-size: 31px; --unmask-font: monospace; --unmask-measure: 300px;
    --unmask-accent: rgb(4, 5, 6); --unmask-warning: rgb(7, 8, 9); }
  unmask-text:state(done) { border: 3px solid red; }
  unmask-text::part(mask) { outline: 4px solid red; }
  unmask-text::part(token) { letter-spacing: 2px; }
  unmask-text::part(token fresh) { letter-spacing: 5px; }
</style>`,
  );
  await expect(page.locator("unmask-text").getByRole("status")).toBeAttached();
  const look = await page.evaluate((trace) => {
    const root = sheet.shadowRoot!;
    const styleOf = (selector: string) => getComputedStyle(root.querySelector(selector)!);
    const before = getComputedStyle(sheet).borderWidth;
    sheet.trace = trace;
    const parts = new Set<string>();
    for (let n = 0; n <= 5; n++) {
      sheet.seek(n);
      for (const node of root.querySelectorAll("[part]")) {
        for (const part of node.getAttribute("part")!.split(" ")) parts.add(part);
      }
    }
    sheet.seek(2);
    return {
      parts: [...parts].sort(),
      border: [before, getComputedStyle(sheet).borderWidth],
      mask: styleOf("[part=mask]").outlineWidth,
      fresh: styleOf("[part='token fresh']").letterSpacing,
      cooling: styleOf("[part='token cooling']").letterSpacing,
      given: styleOf("[part=prompt]").letterSpacing,
      ink: getComputedStyle(sheet).color,
      accent: styleOf(".fresh .word").color,
      warning: styleOf(".doubt").textDecorationColor,
      font: [styleOf(".sheet").fontFamily, styleOf(".sheet").fontSize, styleOf(".sheet").maxInlineSize],
    };
  }, TRACE);
  expect(look).toEqual({
    parts: [
      "controls",
      "cooling",
      "end",
      "fresh",
      "hidden",
      "mask",
      "message",
      "play",
      "progress",
      "prompt",
      "scrub",
      "settled",
      "sheet",
      "token",
      "write",
    ],
    border: ["0px", "3px"],
    mask: "4px",
    fresh: "5px",
    cooling: "2px",
    given: "normal",
    ink: "rgb(1, 2, 3)",
    accent: "rgb(4, 5, 6)",
    warning: "rgb(7, 8, 9)",
    font: ["monospace", "31px", "300px"],
  });
});

test("a disabled fieldset disables it, ends its run, and keeps it out of the form's data", async ({
  page,
}) => {
  await open(
    page,
    `<form><fieldset><unmask-text name="story" controls ${TINY}></unmask-text></fieldset></form>`,
  );
  const sheetOf = page.locator("unmask-text");
  await expect(sheetOf.getByRole("button", { name: "Write" })).toBeEnabled();
  const result = await page.evaluate(async () => {
    const form = document.querySelector("form")!;
    const data = () => new FormData(form).get("story");
    const fieldset = document.querySelector("fieldset")!;
    sheet.addEventListener("unmask-step", () => {
      if (sheet.state.steps === 2) fieldset.disabled = true;
    });
    const { reason } = await sheet.generate({ maxNewTokens: 200, recipe: { preset: "llada", block: 200 } });
    const during = [sheet.disabled, data(), sheet.form === form];
    const refused = await sheet.generate().catch((error: { code: string }) => error.code);
    fieldset.disabled = false;
    return { reason, during, refused, after: [sheet.disabled, data() === sheet.value] };
  });
  expect(result).toEqual({
    reason: "aborted",
    during: [true, null, true],
    refused: "usage",
    after: [false, true],
  });
});

test("a reset clears a text that was written, and brings the trace of `src` back", async ({ page }) => {
  await page.route("**/story.unmask.json", (route) => route.fulfill({ json: TRACE }));
  await open(page, `<form><unmask-text name="story" ${TINY}></unmask-text></form>`);
  const end = "Once upon a";
  const reset = () =>
    page.evaluate((trace) => {
      sheet.trace = trace;
      document.querySelector("form")!.reset();
      return [sheet.text, new FormData(document.querySelector("form")!).get("story")];
    }, TRACE);
  expect(await reset()).toEqual(["", ""]);
  await page.evaluate(() => {
    sheet.src = "story.unmask.json";
  });
  await expect(page.locator("unmask-text")).toHaveJSProperty("state.phase", "done");
  await page.evaluate(() => {
    sheet.seek(0);
    document.querySelector("form")!.reset();
  });
  await expect(page.locator("unmask-text")).toHaveJSProperty("state.step", 5);
  expect((await page.evaluate(() => sheet.text)).startsWith(end.slice(0, 4))).toBe(true);
});

test("a browser that restores a form brings back what stood on the sheet", async ({ page }) => {
  await open(page, `<form><unmask-text name="story"></unmask-text></form>`);
  const text = await page.evaluate((trace) => {
    sheet.trace = trace;
    return sheet.text;
  }, TRACE);
  expect(text).toContain("Once");
  await page.goto("favicon.svg");
  await page.goBack();
  const restored = page.locator("unmask-text");
  await expect(restored).toHaveJSProperty("text", text);
  expect(await restored.evaluate((element: UnmaskTextElement) => element.trace?.events.length)).toBe(7);
});
