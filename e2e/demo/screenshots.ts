import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { chromium, type Page } from "@playwright/test";
import { findChromium } from "../../scripts/chromium.mjs";
import { cachedGraph, exportFiles } from "../../src/convert/exports/tiny-export.ts";

// Saves the page in each state, size and theme: npx tsx e2e/demo/screenshots.ts --url http://127.0.0.1:4173/ --out /tmp/shots
const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:4173/" },
    out: { type: "string", default: "/tmp/shots" },
    only: { type: "string", default: "" },
  },
});
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const THEMES = ["light", "dark"] as const;

const STATES: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  empty: async (page) => {
    await page.waitForTimeout(500);
  },
  generating: async (page) => {
    await write(page);
    await page.waitForFunction(() => Number(document.getElementById("figure-step")?.textContent) >= 14);
    await page.getByRole("button", { name: "Step" }).click();
    await page.getByRole("status").filter({ hasText: "held" }).waitFor();
    await page.waitForTimeout(250);
  },
  done: async (page) => {
    await write(page);
    await page.getByRole("status").filter({ hasText: "done" }).waitFor({ timeout: 120_000 });
    await page.waitForTimeout(600);
  },
  scrubbed: async (page) => {
    await write(page);
    await page.getByRole("status").filter({ hasText: "done" }).waitFor({ timeout: 120_000 });
    await page.getByRole("slider", { name: "Step" }).fill("20");
    await page.waitForTimeout(400);
  },
  error: async (page) => {
    await page.route("**/models/default/**", (route) => route.fulfill({ status: 404, body: "not found" }));
    await write(page);
    await page.getByRole("region", { name: "Problem", exact: true }).waitFor();
  },
  loading: async (page) => {
    await page.route("**/onnx/*_data*", () => new Promise(() => {}));
    await write(page);
    await page.locator("#progress-text").filter({ hasText: " of " }).waitFor();
  },
  filled: async (page) => {
    await page.getByRole("button", { name: "Lily found" }).click();
    await page.getByRole("button", { name: "Fill" }).click();
    await page.getByRole("status").filter({ hasText: "done" }).waitFor({ timeout: 120_000 });
  },
  stored: async (page) => {
    await page.getByRole("button", { name: "Load", exact: true }).click();
    await page.getByRole("status").filter({ hasText: "is loaded" }).waitFor({ timeout: 120_000 });
    await page.getByRole("button", { name: "Stored models" }).click();
    await page.getByRole("button", { name: /^Verify / }).click();
    await page.getByText("are right").waitFor();
  },
  deleting: async (page) => {
    await page.getByRole("button", { name: "Load", exact: true }).click();
    await page.getByRole("status").filter({ hasText: "is loaded" }).waitFor({ timeout: 120_000 });
    await page.getByRole("button", { name: "Stored models" }).click();
    await page.getByRole("button", { name: /^Delete / }).click();
  },
  task: async (page) => {
    await page.getByRole("button", { name: /^sudoku/ }).click();
    await page.getByRole("button", { name: "Generate" }).click();
    await page.getByRole("status").filter({ hasText: "done" }).waitFor({ timeout: 120_000 });
  },
  stale: async (page) => {
    await write(page);
    await page.getByRole("status").filter({ hasText: "done" }).waitFor({ timeout: 120_000 });
    await page
      .getByRole("textbox", { name: "Prompt" })
      .fill("Once upon a time there was a brave little fox who");
  },
  card: async (page) => {
    await page.getByRole("button", { name: "About the embedded model" }).click();
    await page.getByRole("heading", { name: "unmask-s" }).waitFor();
  },
  more: async (page) => {
    await page.getByRole("button", { name: "More" }).click();
    await page.locator("#backend-chip").click();
    await page.waitForTimeout(500);
  },
  update: async (page) => {
    await page.locator("#update").evaluate((button: HTMLElement) => {
      button.hidden = false;
    });
    await page.waitForTimeout(500);
  },
  broken: async (page) => {
    const file = {
      name: "story.unmask.json",
      mimeType: "application/json",
      buffer: Buffer.from('{"schema":2}'),
    };
    await page.locator("#recording-file").setInputFiles(file);
    await page.getByRole("region", { name: "Problem", exact: true }).waitFor();
  },
  rtl: async (page) => {
    await page.getByRole("textbox", { name: "Prompt" }).fill("كان يا ما كان، في قديم الزمان، ثعلب صغير");
    await page.waitForTimeout(500);
  },
  own: async (page) => {
    await page.getByRole("button", { name: "Add a model" }).click();
    await page.getByRole("textbox", { name: "Name on Hugging Face" }).fill("two words");
    await page.getByRole("button", { name: "Look", exact: true }).click();
    await page.locator("#own-problem").waitFor();
  },
  "embed-error": async (page) => {
    await page.route("**/host.html", (route) =>
      route.fulfill({
        contentType: "text/html",
        headers: { "Cross-Origin-Embedder-Policy": "require-corp" },
        body: `<!doctype html><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>host</title><script type="module" src="embed.js"></script>
<unmask-text controls prompt="Once upon a time" recipe='{"preset":"lada"}'></unmask-text>`,
      }),
    );
    await page.goto(new URL("host.html", page.url()).href);
    await page.getByRole("button", { name: "Write" }).click();
    await page.getByRole("status").filter({ hasText: "unknown-recipe" }).waitFor({ timeout: 60_000 });
  },
  export: async (page) => {
    await look(page, await exportFiles("additive"));
    await page.getByRole("button", { name: "Add it" }).waitFor();
  },
  "export-refused": async (page) => {
    await look(page, { ...(await exportFiles("none")), "onnx/model_q4f16.onnx": cachedGraph() });
    await page.locator("#own-title").filter({ hasText: "cannot run here" }).waitFor();
  },
  template: async (page) => {
    await giveTemplate(page, TEMPLATE);
    await page.locator("#chat-kept").filter({ hasText: "Kept with the model" }).waitFor();
  },
  "template-refused": async (page) => {
    await giveTemplate(page, `${TEMPLATE}{{ raise_exception("Only one message, please.") }}`);
    await page.locator("#chat-problem").filter({ hasText: "cannot be used" }).waitFor();
  },
  prompted: async (page) => {
    await page.getByRole("button", { name: "Lily found" }).click();
    await page.waitForTimeout(200);
  },
};

const TEMPLATE = `{% for message in messages %}[{{ message.role }}]
{{ message.content }}
{% endfor %}[answer]
`;

async function giveTemplate(page: Page, template: string): Promise<void> {
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "is loaded" }).waitFor({ timeout: 120_000 });
  await page.getByRole("button", { name: "Chat template" }).click();
  await page.getByRole("textbox", { name: "Your own, in Jinja" }).fill(template);
  await page.getByRole("button", { name: "Use it" }).click();
}

/** Looks at a folder with these files. */
async function look(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const folder = join(await mkdtemp(join(tmpdir(), "unmask-shots-")), "Qwen3-0.6B-diffusion-bd3lm-ONNX");
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  await page.getByRole("button", { name: "Add a model" }).click();
  await page.getByRole("textbox", { name: "Name on Hugging Face, or address" }).waitFor();
  await page.locator("#own-files").setInputFiles(folder);
}

async function write(page: Page): Promise<void> {
  await page.getByRole("textbox", { name: "Prompt" }).fill("Once upon a time there was a little fox who");
  await page.getByRole("button", { name: "Generate" }).click();
}

await mkdir(values.out, { recursive: true });
const executablePath = findChromium();
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: ["--no-sandbox"],
});
for (const [state, reach] of Object.entries(STATES)) {
  if (values.only !== "" && !values.only.split(",").includes(state)) continue;
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of THEMES) {
      const context = await browser.newContext({
        viewport,
        colorScheme,
        hasTouch: size === "phone",
        isMobile: size === "phone",
      });
      const page = await context.newPage();
      page.on("pageerror", (error) => process.stderr.write(`${state}: ${error.message}\n`));
      page.on("console", (message) => {
        if (message.type() === "error") process.stderr.write(`${state}: ${message.text()}\n`);
      });
      await page.goto(values.url);
      await reach(page);
      await page.screenshot({
        path: join(values.out, `${state}-${size}-${colorScheme}.png`),
        fullPage: size === "phone",
      });
      await context.close();
    }
  }
}
await browser.close();
