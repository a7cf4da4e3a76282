import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "@playwright/test";
import { cachedGraph, exportFiles } from "../../src/convert/exports/tiny-export.ts";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { dropFolder, expectUnharmed, fakeHub, openOwnForm, READY, storedPaths } from "./own-hub.ts";

/** Published ONNX exports, which are taken over as they are: by name, by address, as a folder. */
let scratch = "";
test.beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-export-"));
});
test.afterAll(() => rm(scratch, { recursive: true }));

type Files = Readonly<Record<string, Uint8Array>>;

async function folderOf(name: string, files: Files): Promise<string> {
  const folder = join(scratch, name);
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

test("by its name on the hub: looked at, stored, checked, run, and refused a cache with the reason", async ({
  page,
}) => {
  await using hub = await fakeHub(await exportFiles("additive"));
  await hub.route(page);
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(hub.server.repo);
  await expect(form.title).toHaveText("model");
  await expect(form.facts).toContainText(/An ONNX export, 342 tokens, sees blocks of 32/);
  await expect(form.facts).toContainText(/downloads .* MB and stores as much/);
  await expect(page.getByRole("combobox", { name: "Weights" }).getByRole("option")).toHaveText(["4 bits"]);
  await form.convert.click();
  await expect(demo.status).toContainText("ready: model is loaded", READY);
  await demo.run("a b", 4);
  // Its golden forward was recorded when it was added, and computed again when it was loaded.
  const tested = await page
    .locator("unmask-text")
    .evaluate((sheet) => (sheet as HTMLElement & { info?: { selfTest?: object } }).info?.selfTest);
  expect(tested).toBeDefined();
  await page.getByRole("combobox", { name: "Strategy" }).selectOption("Threshold");
  await demo.run("a b", 8);
  const refusal = await page.locator("unmask-text").evaluate(async (sheet) => {
    const element = sheet as HTMLElement & { generate(options: object): Promise<unknown> };
    const recipe = { preset: "llada", cache: "dual" };
    return element.generate({ prompt: "a b", recipe }).catch(({ message }: Error) => message);
  });
  expect(refusal).toContain("computes full forwards only, so it takes no cache");

  await page.getByRole("button", { name: "Stored models" }).click();
  const panel = page.getByRole("region", { name: "Stored models" });
  await panel.getByRole("button", { name: "Verify model" }).click();
  await expect(panel).toContainText(/All .* MB are right/);
  await panel.getByRole("button", { name: "Delete model" }).click();
  await panel.getByRole("button", { name: "Delete model for good" }).click();
  await expect.poll(() => storedPaths(page)).toEqual([]);
});

test("as a folder, dropped or chosen; a graph without its data or its tokenizer says what is missing", async ({
  page,
}) => {
  const files = await exportFiles("none");
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  const { "onnx/model_q4f16.onnx.data": _, ...dataless } = files;
  await form.choose(await folderOf("dataless", dataless));
  await expect(form.problem).toContainText(
    /names the data file "model_q4f16.onnx.data".*checkpoint-invalid/s,
  );
  const { "tokenizer.json": __, ...speechless } = files;
  await form.choose(await folderOf("speechless", speechless));
  await expect(form.facts).toContainText("has no tokenizer.json");
  await expect(form.convert).toBeHidden();
  await expect(page.getByRole("spinbutton", { name: "Id of the mask token" })).toBeHidden();
  await dropFolder(page, await folderOf("export", files));
  await expect(form.facts).toContainText("An ONNX export, 342 tokens, sees the whole text");
  const trained = page.getByRole("combobox", { name: "Trained as" });
  await trained.selectOption("bd3lm");
  await expect(form.problem).toContainText("bd3lm does not fit a graph without an attention mask");
  // The form is still there to choose another.
  await expect(trained).toHaveValue("");
  await form.convert.click();
  await expect(demo.status).toContainText("export is loaded", READY);
  await demo.run("a b", 4);
});

test("by the address of its graph, on an origin of the page's policy", async ({ page, baseURL }) => {
  const files = await exportFiles("integers", { graph: "my_fp16.onnx", location: "my.onnx.data" });
  await page.route("**/exports/mine/**", async (route) => {
    const path = new URL(route.request().url()).pathname.split("/exports/mine/")[1]!;
    const bytes = (files as Files)[path];
    if (bytes === undefined) await route.fulfill({ status: 404 });
    else await route.fulfill({ body: Buffer.from(bytes) });
  });
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(`${baseURL}exports/mine/onnx/my_fp16.onnx`);
  await expect(form.title).toHaveText("mine");
  await expect(page.getByRole("combobox", { name: "Weights" }).getByRole("option")).toHaveText(["16 bits"]);
  await form.convert.click();
  // A graph of others in f16 runs on the processor, too.
  await expect(demo.status).toContainText("ready: mine is loaded", READY);
  await demo.run("a b", 4);
});

test("exports of other kinds are refused with what they are and what would do, and leave nothing", async ({
  page,
}) => {
  await using hub = await fakeHub({ ...(await exportFiles("none")), "onnx/model_q4f16.onnx": cachedGraph() });
  await hub.route(page);
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(hub.server.repo);
  await expect(form.title).toHaveText("model cannot run here");
  await expect(form.facts).toContainText(/past_key_values.0.key: it is an autoregressive export/);
  await expect(form.facts).toContainText("What would run: the diffusion checkpoint itself");
  await expect(form.convert).toBeHidden();
  const noise = await exportFiles("none");
  noise["onnx/model_q4f16.onnx"]!.fill(7, 20, 60);
  await form.choose(await folderOf("noise", noise));
  await expect(form.problem).toContainText(/not an ONNX graph.*checkpoint-invalid/s);
  await expectUnharmed(page);
});

test("a download that was cut off by closing the tab goes on behind its last part", async ({
  page,
  context,
}) => {
  // Two parts of 16 MiB and a bit.
  await using hub = await fakeHub(await exportFiles("none", { padding: 9_000_000 }));
  await hub.route(page, 7);
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(hub.server.repo);
  await form.convert.click();
  // Six ranges of 4 MiB: the fifth is asked for once the first part of 16 MiB is finished and noted.
  const ranges = () => hub.server.log.filter((line) => /^cdn .*data \d+-/.test(line)).length;
  await expect.poll(ranges, READY).toBe(6);
  const other = await context.newPage();
  await hub.route(other);
  await page.close();
  hub.server.log.splice(0);
  const demo = await openDemo(other);
  const rest = await openOwnForm(other);
  await expect(rest.leftovers).toContainText(/model: unfinished, .* MB/);
  await rest.leftovers.getByRole("button", { name: "Go on" }).click();
  await expect(demo.status).toContainText("ready: model is loaded", READY);
  const starts = hub.server.log.flatMap((line) => /^cdn .*data (\d+)-/.exec(line)?.[1] ?? []).map(Number);
  expect(Math.min(...starts)).toBeGreaterThanOrEqual(16 << 20);
});
