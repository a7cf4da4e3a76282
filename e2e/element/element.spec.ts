import { expect } from "@playwright/test";
import { openDemo, STORY } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";

interface Sheet extends HTMLElement {
  trace: unknown;
  readonly text: string;
  readonly state: { readonly phase: string; readonly step: number; readonly steps: number };
  seek(step: number): void;
}

test("a trace of one element plays in another, without a model", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.run(STORY, 12);
  const text = await demo.text();
  const seen = await page.evaluate(() => {
    const from = document.querySelector("unmask-text") as Sheet;
    const to = document.createElement("unmask-text") as Sheet;
    document.body.append(to);
    to.trace = JSON.parse(JSON.stringify(from.trace));
    const end = to.text;
    to.seek(0);
    return { end, start: to.text, state: to.state, steps: from.state.steps };
  });
  expect(seen.end).toBe(text);
  expect(seen.start).toBe(`${STORY} …`);
  expect(seen.state).toMatchObject({ phase: "done", step: 0, steps: seen.steps });
});

test("src with autoplay and controls plays a trace file and can be paused", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.run(STORY, 12);
  const trace = await page.evaluate(() => (document.querySelector("unmask-text") as Sheet).trace);
  await page.route("**/story.unmask.json", (route) => route.fulfill({ json: trace }));
  await page.evaluate(() => {
    const sheet = document.createElement("unmask-text");
    sheet.id = "player";
    for (const name of ["controls", "autoplay"]) sheet.setAttribute(name, "");
    sheet.setAttribute("src", "story.unmask.json");
    document.querySelector("main")?.before(sheet);
  });
  const player = page.locator("#player");
  await player.getByRole("button", { name: "Pause" }).click();
  await expect(player.getByRole("button", { name: "Play" })).toBeVisible();
  await player.getByRole("slider", { name: "Step" }).fill("1");
  expect(await player.evaluate((sheet: Sheet) => sheet.state.step)).toBe(1);
});

test("a draft is blended in the worker of a built site", async ({ page }) => {
  await openDemo(page);
  const seen = await page.evaluate(async (prompt) => {
    const sheet = document.createElement("unmask-text");
    sheet.model = new URL("models/default/", document.baseURI).href;
    sheet.loadOptions = { backend: "wasm", runtimeUrl: new URL("ort/", document.baseURI).href };
    document.body.append(sheet);
    const recipe = { preset: "fast-dllm", length: 24, stop: { eos: false } };
    const cold = await sheet.generate({ prompt, recipe });
    // Its own text: half of each vector says what comes there.
    const init = { draft: cold.text, blend: 0.5 };
    const blended = await sheet.generate({ prompt, recipe: { ...recipe, init } });
    return { cold: cold.nfe, blended: blended.nfe, reason: blended.reason, cells: blended.tokens.length };
  }, STORY);
  expect(seen).toMatchObject({ reason: "complete", cells: 24 });
  expect(seen.blended).toBeLessThan(seen.cold);
});

test("attributes and properties say the same", async ({ page }) => {
  await openDemo(page);
  const seen = await page.evaluate(() => {
    const sheet = document.createElement("unmask-text");
    const before = [sheet.model, sheet.recipe, sheet.seed, sheet.src, sheet.controls, sheet.heat];
    sheet.prompt = "Once";
    sheet.recipe = { preset: "llada" };
    sheet.seed = 7;
    sheet.heat = true;
    const written = sheet.outerHTML;
    sheet.setAttribute("seed", "8");
    const read = [sheet.prompt, sheet.recipe, sheet.seed, sheet.heat];
    sheet.heat = false;
    sheet.prompt = null;
    sheet.recipe = undefined;
    sheet.seed = null;
    return { before, written, read, after: sheet.outerHTML };
  });
  expect(seen.before).toEqual([null, null, null, null, false, false]);
  expect(seen.written).toContain(
    `prompt="Once" recipe="{&quot;preset&quot;:&quot;llada&quot;}" seed="7" heat=""`,
  );
  expect(seen.read).toEqual(["Once", `{"preset":"llada"}`, 8, true]);
  expect(seen.after).toBe("<unmask-text></unmask-text>");
});

test("a file that is no trace is a trace-invalid error", async ({ page }) => {
  await openDemo(page);
  await page.route("**/bad.unmask.json", (route) => route.fulfill({ json: { schema: 1, events: "none" } }));
  const code = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const sheet = document.createElement("unmask-text");
        sheet.addEventListener("unmask-error", (event) =>
          resolve((event as CustomEvent<{ code: string }>).detail.code),
        );
        sheet.setAttribute("src", "bad.unmask.json");
        document.body.append(sheet);
      }),
  );
  expect(code).toBe("trace-invalid");
});

test("text that looks like markup stays text", async ({ page }) => {
  const demo = await openDemo(page);
  const nasty = "<img src=x onerror=alert(1)> \u202eabc";
  await demo.run(nasty, 8);
  const text = await demo.text();
  expect(text).toContain("<img src=x onerror=alert(1)>");
  expect(text).not.toContain("\u202e");
  expect(await page.locator("unmask-text img").count()).toBe(0);
});
