import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { type DemoPage, openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { type TinyBundle, tinyBundle } from "../support/tiny-bundle.ts";

/** The field for a chat template of the user's own. */
let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["q4", "int8"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());

const TEMPLATE = "<|im_start|>{% for m in messages %}{{ m.content }}{% endfor %}<|im_end|>";
const LOOPS = `${"{% for i in range(1000) %}".repeat(5)}${"{% endfor %}".repeat(5)}`;

/** The demo with the tiny model loaded and the field open. */
async function openField(page: Page) {
  await bundle.route(page);
  const demo = await openDemo(page, "?backend=wasm&model=models/tiny");
  await load(demo);
  await page.getByRole("button", { name: "Chat template" }).click();
  const field = page.getByRole("textbox", { name: "Your own, in Jinja" });
  const panel = page.getByRole("region", { name: "Chat template" });
  await expect(field).toBeVisible();
  const use = async (template: string) => {
    await field.fill(template);
    await panel.getByRole("button", { name: "Use it" }).click();
  };
  return { demo, field, panel, use, problem: page.locator("#chat-problem") };
}

async function load({ page, status }: DemoPage): Promise<void> {
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await expect(status).toContainText("is loaded", { timeout: 60_000 });
}

function promptLength(page: Page): Promise<number> {
  return page.locator("unmask-text").evaluate((sheet) => {
    const { trace } = sheet as HTMLElement & {
      readonly trace: { events: readonly { type: string; promptLen?: number }[] };
    };
    return trace.events.find(({ type }) => type === "start")?.promptLen ?? 0;
  });
}

test("a template is tried, used, kept with the model over a reload, and removed again", async ({ page }) => {
  const { demo, field, panel, use, problem } = await openField(page);
  await use(TEMPLATE);
  await expect(panel.locator("pre")).toHaveText("<|im_start|>Hello<|im_end|>");
  await expect(panel).toContainText("Kept with the model");
  await expect(problem).toBeHidden();
  await page.getByRole("button", { name: "More" }).click();
  const mode = page.getByRole("combobox", { name: "Mode", exact: true });
  await expect(mode.locator("option:checked")).toHaveText("Chat");
  await demo.run("a b", 4);
  const chat = await promptLength(page);
  await mode.selectOption({ label: "Plain" });
  await demo.run("a b", 4);
  // Two control tokens, by the template.
  expect(chat).toBe((await promptLength(page)) + 2);

  await page.reload();
  await load(demo);
  await page.getByRole("button", { name: "More" }).click();
  await mode.selectOption({ label: "Chat" });
  await demo.run("a b", 4);
  expect(await promptLength(page)).toBe(chat);
  await page.getByRole("button", { name: "Chat template" }).click();
  await expect(field).toHaveValue(TEMPLATE);
  await panel.getByRole("button", { name: "Remove it" }).click();
  await expect(field).toHaveValue("");
  await page.reload();
  await load(demo);
  await page.getByRole("button", { name: "Chat template" }).click();
  await expect(field).toHaveValue("");
});

test("one that fails, loses the message or never ends is refused in the field, and the page goes on", async ({
  page,
}) => {
  const { demo, field, use, problem } = await openField(page);
  await use("{% for m in messages %}");
  await expect(problem).toContainText(/The chat template cannot be used.*invalid-options/s);
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await use("{{ raise_exception('not for you') }}");
  await expect(problem).toContainText("not for you");
  await use("always the same");
  await expect(problem).toContainText("lacks the message");
  await use("   ");
  await expect(problem).toContainText("The template is empty");
  await use(LOOPS);
  await expect(problem).toContainText("it runs for longer than 2 s", { timeout: 60_000 });
  await expect.poll(() => page.workers().filter((worker) => worker.url().includes("template"))).toEqual([]);
  await field.fill("corrected");
  await expect(problem).toBeHidden();
  await expect(field).not.toHaveAttribute("aria-invalid", "true");
  await demo.run("a b", 4);
  // A draft is not taken away by a run.
  await expect(field).toHaveValue("corrected");
});

test("a template that fails with the chat itself leads back to its field", async ({ page }) => {
  const { demo, field, use, panel } = await openField(page);
  await use(
    "{{ messages[0].content }}{% if messages[0].content != 'Hello' %}{{ raise_exception('no') }}{% endif %}",
  );
  await expect(panel).toContainText("Kept with the model");
  await page.getByRole("button", { name: "Chat template" }).click();
  await expect(panel).toBeHidden();
  await demo.prompt.fill("a b");
  await demo.generate.click();
  await expect(demo.problem).toContainText("Correct the chat template", { timeout: 60_000 });
  await page.getByRole("button", { name: "Open the chat template" }).click();
  await expect(field).toBeFocused();
});

test("a file fills the field, unless it is too large; gaps are filled without the template", async ({
  page,
}) => {
  const { demo, field, use, panel, problem } = await openField(page);
  const input = page.getByLabel("File of a chat template");
  const file = (buffer: Buffer) => ({ name: "t.jinja", mimeType: "text/plain", buffer });
  await input.setInputFiles(file(Buffer.alloc(1_000_001, 97)));
  await expect(problem).toContainText("larger than 1 MB");
  await input.setInputFiles(file(Buffer.from(TEMPLATE)));
  await expect(field).toHaveValue(TEMPLATE);
  await use(TEMPLATE);
  await expect(panel).toContainText("Kept with the model");
  await demo.prompt.fill("a [[4]] b");
  await demo.fill.click();
  await expect(demo.status).toContainText(/done|error/, { timeout: 90_000 });
  await expect(demo.status).toContainText("done", { timeout: 1 });
});

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing on the field, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    const { use, panel, problem } = await openField(page);
    const rules = async () => (await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id);
    await use(TEMPLATE);
    await expect(panel).toContainText("Kept with the model");
    expect(await rules()).toEqual([]);
    await use("{{");
    await expect(problem).toBeVisible();
    expect(await rules()).toEqual([]);
  });
}
