import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { SMALL, writeRandomCheckpoint } from "../src/convert/random-checkpoint.ts";
import { openDemo } from "./demo-page.ts";
import { fakeHub, filesOf, openOwnForm, storedPaths, TINY } from "./own-hub.ts";
import { test } from "./strict-test.ts";
import { tinyBundle } from "./tiny-bundle.ts";

/** Bringing a model of one's own: named, by address, or as a folder; with everything that can go wrong on the way. */
let scratch = "";
test.beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-own-"));
});
test.afterAll(() => rm(scratch, { recursive: true }));

const READY = { timeout: 90_000 } as const;

/** A copy of the tiny checkpoint with other content. */
async function changed(name: string, change: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(scratch, name);
  await cp(TINY, folder, { recursive: true });
  await change(folder);
  return folder;
}

const TABLE_BYTES = 2 * SMALL.vocab * SMALL.hidden;

/** Lengths of the ranges that were asked for. */
function lengths(log: readonly string[]): number[] {
  return log.flatMap((line) => {
    const [, start, end] = /^cdn .* (\d+)-(\d+)$/.exec(line) ?? [];
    return start === undefined ? [] : [Number(end) + 1 - Number(start)];
  });
}

/** The page has nothing of a model but the list of unfinished ones, and works. */
async function expectUnharmed(page: Page): Promise<void> {
  expect(await storedPaths(page)).toEqual([]);
  await expect(page.getByRole("button", { name: "Generate" })).toBeEnabled();
}

test("a pasted name is looked at, converted, loaded and used, and is still there after a reload", async ({
  page,
}) => {
  await using hub = await fakeHub(await filesOf(TINY));
  await hub.route(page);
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
  const paths = await storedPaths(page);
  expect(paths.filter((path) => path.startsWith("unmask-models/"))).toHaveLength(1);
  expect(paths.filter((path) => path.startsWith("unmask-staging/"))).toEqual([]);

  await hub.server[Symbol.asyncDispose]();
  const again = await openDemo(page);
  const select = page.getByRole("combobox", { name: "Model" });
  await expect(select.getByRole("option", { name: "model", exact: true })).toBeAttached();
  await select.selectOption("model");
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await expect(again.status).toContainText("ready: model is loaded", READY);
  await again.run("a b", 4);
});

/** As if the disk had room for so many more bytes; runs in the worker, whose types the page does not have. */
function leaveRoom(bytes: number): void {
  StorageManager.prototype.estimate = async () => ({ quota: bytes, usage: 0 });
  const { FileSystemSyncAccessHandle: handle, write } = globalThis as unknown as {
    FileSystemSyncAccessHandle: { prototype: { write(part: Uint8Array, options: object): number } };
    write?: (part: Uint8Array, options: object) => number;
  };
  const inner = write ?? handle.prototype.write;
  let left = bytes;
  Object.assign(globalThis, { write: inner });
  handle.prototype.write = function (part, options) {
    left -= part.byteLength;
    if (left < 0) throw new DOMException("full", "QuotaExceededError");
    return inner.call(this, part, options);
  };
}

/** Drags a folder of this machine onto the middle of the page. */
async function dropFolder(page: Page, folder: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await session.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
  }
}

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

test("addresses that the page may not reach, and names that are none, are said so at once", async ({
  page,
}) => {
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste("https://example.com/model/");
  await expect(form.problem).toContainText("does not fetch from https://example.com");
  await expect(form.problem).toContainText("drop its folder or files here");
  await expect(form.problem).toContainText("source-blocked");
  await form.paste("two words");
  await expect(form.problem).toContainText("neither owner/name nor an address");
  await expectUnharmed(page);
});

test("what the hub refuses is said in words: not there, not for everyone, too many requests", async ({
  page,
}) => {
  const answers = [
    { status: 404, headers: { "X-Error-Code": "RepoNotFound" } },
    { status: 401 },
    { status: 429, headers: { "Retry-After": "3600" } },
  ];
  let now = 0;
  await using hub = await fakeHub(await filesOf(TINY), ({ kind }) =>
    kind === "api" ? { kind: "status", ...answers[now]! } : undefined,
  );
  await hub.route(page);
  await openDemo(page);
  const form = await openOwnForm(page);
  for (const [at, words] of [
    [0, /The hub has no owner\/model.*not-found/s],
    [1, /its terms must be accepted first.*give the folder instead.*source-blocked/s],
    [2, /asks to come back in 3600 s.*download-failed/s],
  ] as const) {
    now = at;
    await form.paste(hub.server.repo);
    await expect(form.problem).toContainText(words);
  }
  await expectUnharmed(page);
});

test("a conversion whose tab was killed goes on behind its last finished tensor", async ({
  page,
  context,
}) => {
  const folder = join(scratch, "random");
  await writeRandomCheckpoint(folder, SMALL);
  await using hub = await fakeHub(await filesOf(folder));
  await hub.route(page, 6);
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(hub.server.repo);
  await form.convert.click();
  const staged = async () => (await storedPaths(page)).filter((path) => path.endsWith("/journal"));
  await expect.poll(staged).toHaveLength(1);
  const weights = () => hub.server.log.filter((line) => line.startsWith("cdn")).length;
  await expect.poll(weights).toBe(5);

  const other = await context.newPage();
  await hub.route(other);
  const demo = await openDemo(other);
  const rest = await openOwnForm(other);
  await rest.paste(hub.server.repo);
  await rest.convert.click();
  await expect(rest.problem).toContainText("Another tab of this site is converting this model");

  await page.close();
  const before = hub.server.log.splice(0);
  await other.reload();
  await openOwnForm(other);
  await expect(rest.leftovers).toContainText(/model: unfinished, .* MB/);
  await rest.leftovers.getByRole("button", { name: "Go on" }).click();
  await expect(demo.status).toContainText("ready: model is loaded", READY);
  // The token table, by far the largest tensor, was finished: it is not asked for again.
  expect(lengths(before)).toContain(TABLE_BYTES);
  expect(Math.max(...lengths(hub.server.log))).toBeLessThan(TABLE_BYTES);
  expect((await storedPaths(other)).filter((path) => path.startsWith("unmask-staging/"))).toEqual([]);
});

test("what does not fit is said before it is fetched; a disk that fills up meanwhile leaves nothing", async ({
  page,
}) => {
  const folder = join(scratch, "large");
  await writeRandomCheckpoint(folder, SMALL);
  const demo = await openDemo(page);
  const form = await openOwnForm(page);
  await expect.poll(() => page.workers().some((worker) => worker.url().includes("convert"))).toBe(true);
  const worker = page.workers().find((one) => one.url().includes("convert"))!;
  const leave = (bytes: number) => worker.evaluate(leaveRoom, bytes);
  await leave(200_000);
  await form.choose(folder);
  await expect(form.facts).toContainText("That does not fit");
  await expect(form.convert).toBeHidden();
  await leave(100_000_000);
  await form.choose(folder);
  await expect(form.convert).toBeVisible();
  await leave(200_000);
  await form.convert.click();
  await expect(form.problem).toContainText(/no room left for this site.*storage-failed/s);
  await expectUnharmed(page);
  await leave(100_000_000);
  await form.choose(TINY);
  await form.convert.click();
  await expect(demo.status).toContainText("is loaded", READY);
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

test("a cancelled download keeps what is done until it is removed", async ({ page }) => {
  const folder = join(scratch, "cancelled");
  await writeRandomCheckpoint(folder, SMALL);
  await using hub = await fakeHub(await filesOf(folder));
  await hub.route(page, 6);
  await openDemo(page);
  const form = await openOwnForm(page);
  await form.paste(hub.server.repo);
  await form.convert.click();
  await expect
    .poll(async () => (await storedPaths(page)).some((path) => path.endsWith("/journal")))
    .toBe(true);
  // From here on the hub answers again: what follows a cancelled conversion is a new look.
  await hub.route(page);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await expect(form.convert).toHaveText("Download and convert the rest");
  await expect(form.facts).toContainText("are done already");
  await expect(form.problem).toBeHidden();
  await form.leftovers.getByRole("button", { name: "Remove" }).click();
  await expect(form.leftovers).toBeHidden();
  await expectUnharmed(page);
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
