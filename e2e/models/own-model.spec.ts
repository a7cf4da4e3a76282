import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect } from "@playwright/test";
import { nodeFolder } from "../../src/convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { nodeTarget } from "../../src/convert/target/node-target.ts";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { tinyBundle } from "../support/tiny-bundle.ts";
import {
  dropFolder,
  expectUnharmed,
  fakeHub,
  filesOf,
  openOwnForm,
  READY,
  storedPaths,
  TINY,
} from "./own-hub.ts";

/** Bringing a model of one's own: named, by address, or as a folder; whole, broken or of a family that cannot run. */
let scratch = "";
test.beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-own-"));
});
test.afterAll(() => rm(scratch, { recursive: true }));

/** A copy of the tiny checkpoint with other content. */
async function changed(name: string, change: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(scratch, name);
  await cp(TINY, folder, { recursive: true });
  await change(folder);
  return folder;
}

test("a pasted name is looked at, converted, loaded and used, and is still there after a reload", async ({
  page,
}) => {
  await using hub = await fakeHub(await filesOf(TINY));
  await hub.route(page);
  await page.addInitScript(() => {
    navigator.storage.persist = async () => {
      document.documentElement.dataset["persist"] = "asked";
      return true;
    };
  });
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(hub.server.repo);
  await expect(form.title).toHaveText("model");
  await expect(form.facts).toContainText(/a2d-qwen3, .* parameters, sees the whole text/);
  await expect(form.facts).toContainText(/downloads .* MB and stores .* MB in this browser/);
  await form.convert.click();
  await expect(demo.status).toContainText("ready: model is loaded", READY);
  await expect(page.getByRole("combobox", { name: "Model" })).toContainText("model");
  await demo.run("a b", 4);
  expect(hub.server.log.filter((line) => line.startsWith("api"))).toHaveLength(1);
  await expect(page.locator("html")).toHaveAttribute("data-persist", "asked");
  const paths = await storedPaths(page);
  expect(paths.filter((path) => path.startsWith("unmask-models/"))).toHaveLength(1);
  expect(paths.filter((path) => path.startsWith("unmask-staging/"))).toEqual([]);

  await hub.server[Symbol.asyncDispose]();
  const again = await openDemo(page);
  const select = page.getByRole("combobox", { name: "Model" });
  await expect(select.getByRole("option", { name: "model", exact: true })).toBeAttached();
  await select.selectOption("model");
  await again.run("a b", 4);
});

test("a folder is converted from where it lies, chosen or dropped", async ({ page }) => {
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  await form.choose(TINY);
  await expect(form.title).toHaveText("a2d-qwen3-mdlm");
  await expect(form.facts).toContainText("Converting reads");

  await dropFolder(page, TINY);
  await expect(form.title).toHaveText("a2d-qwen3-mdlm");
  await expect(form.convert).toBeVisible();
  await form.convert.click();
  await expect(demo.status).toContainText("is loaded", READY);
  await demo.run("a b", 4);

  // Files are stored under the hash of their bytes.
  const out = join(scratch, "here");
  const options = { dtypes: ["q4", "int8"], name: "here", warn() {}, progress() {} } as const;
  const { files } = await convertCheckpoint(nodeFolder(TINY), () => nodeTarget(out), options);
  const weights = files.filter(({ path }) => path.startsWith("onnx/"));
  expect(weights.length).toBeGreaterThan(2);
  const stored = await storedPaths(page);
  for (const { path, sha256 } of weights) expect(stored, path).toContain(`unmask-files/${sha256}`);
});

test("a model whose files name no mask token asks for it", async ({ page }) => {
  const nameless = await changed("nameless", async (folder) => {
    for (const file of ["tokenizer.json", "tokenizer_config.json", "config.json"]) {
      const path = join(folder, file);
      const text = await readFile(path, "utf8");
      await writeFile(path, text.replaceAll("<|mask|>", "<|other|>").replace('"mask_token_id"', '"unused"'));
    }
  });
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  await form.choose(nameless);
  await expect(form.facts).toContainText("No mask token is named");
  await expect(form.convert).toBeHidden();
  const id = page.getByRole("spinbutton", { name: "Id of the mask token" });
  await id.fill("341");
  await id.press("Tab");
  await form.convert.click();
  await expect(demo.status).toContainText("is loaded", READY);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing on the form, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await openDemo(page);
    const form = await openOwnForm(page);
    await form.choose(TINY);
    await expect(form.convert).toBeVisible();
    const rules = async () => (await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id);
    expect(await rules()).toEqual([]);
    await form.paste("https://example.com/model/");
    await expect(form.problem).toBeVisible();
    expect(await rules()).toEqual([]);
  });
}

test("an architecture without an adapter is refused with what it would need", async ({ page }) => {
  const files = await filesOf(TINY);
  const config = { ...JSON.parse(new TextDecoder().decode(files["config.json"])), model_type: "llada2_moe" };
  await using hub = await fakeHub({
    ...files,
    "config.json": new TextEncoder().encode(JSON.stringify(config)),
  });
  await hub.route(page);
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(`https://huggingface.co/${hub.server.repo}`);
  await expect(form.title).toHaveText("model cannot run here");
  await expect(form.facts).toContainText("it would need a router and expert kernels");
  await expect(form.convert).toBeHidden();
  await expectUnharmed(page);
});

test("a bundle that was made elsewhere is copied from its folder", async ({ page }) => {
  await using bundle = await tinyBundle(["q4", "int8"]);
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  await dropFolder(page, bundle.folder);
  await expect(form.facts).toContainText("ready to run as it is");
  await page.getByRole("button", { name: "Copy it into this browser" }).click();
  await expect(demo.status).toContainText("ready: tiny is loaded", READY);
});

test("broken checkpoints end in a code, leave nothing, and the next one works", async ({ page }) => {
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  const cut = await changed("cut", (folder) => truncate(join(folder, "model.safetensors"), 100_000));
  await form.choose(cut);
  await expect(form.problem).toContainText("checkpoint-invalid");
  const hostile = await changed("hostile", (folder) =>
    writeFile(join(folder, "config.json"), '{"__proto__":'),
  );
  await form.choose(hostile);
  await expect(form.problem).toContainText("checkpoint-invalid");
  const infinite = await changed("infinite", async (folder) => {
    const path = join(folder, "model.safetensors");
    const bytes = await readFile(path);
    // NaN in bf16, f16 and f32 alike.
    await writeFile(path, bytes.fill(0xff, bytes.length - 64));
  });
  await form.choose(infinite);
  await form.convert.click();
  await expect(form.problem).toContainText("not finite");
  await expectUnharmed(page);
  await form.choose(TINY);
  await form.convert.click();
  await expect(demo.status).toContainText("is loaded", READY);
});
