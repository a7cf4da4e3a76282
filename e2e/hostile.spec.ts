import { expect, type Page } from "@playwright/test";
import { openDemo, STORY } from "./demo-page.ts";
import { openStaticHost } from "./static-host.ts";
import { test } from "./strict-test.ts";
import { commit, recordingFile, step, traceOf } from "./written-trace.ts";

const open = (page: Page, trace: unknown): Promise<void> =>
  page.locator("#recording-file").setInputFiles(recordingFile(JSON.stringify(trace)));

test("tokens that look like markup, turn text around or split an emoji are shown safely", async ({
  page,
}) => {
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  const demo = await openDemo(page);
  // U+1F98A, the fox, in two tokens; two halves of a surrogate pair; an override that would turn the line around.
  const trace = traceOf(
    {
      1: "Hi",
      2: ' <img src=x onerror="alert(1)">',
      3: " \u202egnp.exe\u202c",
      4: [0x20, 0xf0, 0x9f],
      5: [0xa6, 0x8a],
      6: "\ud83e",
      7: "\udd8a",
      8: "<script>alert(2)</script>",
      9: "\u0000\u001b[31m",
    },
    9,
    [
      step(1, 7, { commits: [commit(2, 3, 0.9)] }),
      step(2, 6, { commits: [commit(4, 5, 0.1)] }),
      step(3, 0, {
        commits: [1, 3, 5, 6, 7, 8].map((row) => commit(row, row + 1, 0.5)),
      }),
    ],
  );
  await open(page, trace);
  await expect(demo.status).toContainText("done: a recording");
  const text = await demo.text();
  expect(text).toContain('<img src=x onerror="alert(1)">');
  expect(text).toContain("‹U+202E›gnp.exe‹U+202C›");
  expect(text).toContain("\u{1f98a}");
  expect(text).toContain("‹U+0000›‹U+001B›[31m");
  await demo.timeline.fill("2");
  // The second half of the emoji alone: a replacement character, and nothing is lost around it.
  expect(await demo.text()).toMatch(/^Hi …/);
  await demo.timeline.fill("3");
  expect(await demo.text()).toBe(text);
  for (const tag of ["img", "script"]) expect(await page.locator(`unmask-text ${tag}`).count()).toBe(0);
  expect(await demo.status.locator("img, script").count()).toBe(0);
  // Nothing on the page reads from right to left.
  expect(await page.evaluate(() => document.body.textContent)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  expect(dialogs).toEqual([]);
});

const START = traceOf({ 1: "Hi" }, 2, []);
const events = START.events as object[];
const BAD: readonly (readonly [name: string, content: string, says: RegExp])[] = [
  ["no JSON", "{", /a\.unmask\.json is not a recording: it is no JSON/],
  ["an empty file", "", /no JSON/],
  ["something else", "[]", /not a valid trace/],
  [
    "of a newer version",
    JSON.stringify({ ...START, schema: 99 }),
    /version 99, and this Unmask reads version 1/,
  ],
  ["whose events are none", JSON.stringify({ ...START, events: "none" }), /events/],
  ["that writes outside its canvas", written({ commits: [commit(99, 1, 1)] }), /writes row 99/],
  ["that deletes more than there is", written({ deletes: [{ at: 1, n: 5000 }] }), /deletes/],
  ["that grows without end", growing(), /inserts/],
  [
    "with a confidence that is no number",
    written({ commits: [{ row: 1, id: 1, conf: "1", reason: "best" }] }),
    /conf/,
  ],
  ["that never ends", JSON.stringify({ ...START, events: events.slice(0, 1) }), /end with done/],
  ["that starts twice", JSON.stringify({ ...START, events: [events[0], ...events] }), /starts twice/],
  ["nested too deep", `${"[".repeat(200_000)}${"]".repeat(200_000)}`, /not a/],
];

function written(more: object): string {
  return JSON.stringify(traceOf({ 1: "Hi" }, 2, [step(1, 0, more)]));
}

function growing(): string {
  const inserts = Array.from({ length: 256 }, () => ({ at: 0, n: 60_000 }));
  return JSON.stringify(
    traceOf(
      { 1: "Hi" },
      2,
      Array.from({ length: 400 }, (_, at) => step(at, 0, { inserts })),
    ),
  );
}

test("a recording that cannot be trusted is refused in a sentence, and the page goes on", async ({
  page,
}) => {
  const demo = await openDemo(page);
  for (const [name, content, says] of BAD) {
    await test.step(name, async () => {
      await page.locator("#recording-file").setInputFiles(recordingFile(content));
      await expect(demo.problem).toContainText("trace-invalid");
      await expect(demo.problem).toContainText(says);
      await expect(demo.status).toContainText("error");
      await open(page, traceOf({ 1: "Hi", 2: " fox" }, 2, [step(1, 0, { commits: [commit(1, 2, 1)] })]));
      await expect(demo.status).toContainText("done: a recording");
      expect(await demo.text()).toBe("Hi fox");
    });
  }
});

test("a recording that is opened while a text is written does not end it", async ({ page }) => {
  const demo = await openDemo(page);
  await demo.prompt.fill(STORY);
  await demo.setLength(12);
  await demo.step.click();
  await expect(demo.status).toContainText("held", { timeout: 90_000 });
  await open(page, START);
  await expect(demo.problem).toContainText("still writing");
  await demo.generate.click();
  await expect(demo.status).toContainText("done: ", { timeout: 90_000 });
  expect(await demo.text()).toContain(STORY);
});

/** Puts `spoil` before the code of the engine's worker, which cannot be prepared from outside. */
async function spoilWorker(page: Page, spoil: string): Promise<void> {
  await page.route("**/assets/engine.worker-*.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${spoil};\n${await response.text()}` });
  });
}

test("with storage denied the page works, and says what is not kept", async ({ page }) => {
  await page.addInitScript(() => {
    const deny = {
      get: () => {
        throw new DOMException("denied", "SecurityError");
      },
    };
    for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
      Object.defineProperty(globalThis, name, deny);
    }
  });
  await spoilWorker(
    page,
    `StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException("denied", "SecurityError"))`,
  );
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  const demo = await openDemo(page);
  await page.getByLabel("Theme").selectOption("dark");
  await demo.run(STORY, 8);
  await page.locator("#backend-chip").click();
  await expect(page.locator("#backend-reason")).toContainText("does not keep the model for the next visit");
  await expect(page.getByText("works without a network")).toBeHidden();
  expect(problems).toEqual([]);
});

test("with a full disk the model runs from memory, and the page says so", async ({ page }) => {
  await spoilWorker(
    page,
    `FileSystemSyncAccessHandle.prototype.write = () => { throw new DOMException("full", "QuotaExceededError"); }`,
  );
  const demo = await openDemo(page);
  await demo.run(STORY, 8);
  await page.locator("#backend-chip").click();
  await expect(page.locator("#backend-reason")).toContainText("does not keep the model for the next visit");
});

const SANDBOX = `<!doctype html><title>sandbox</title><iframe sandbox="allow-scripts" src="PAGE"></iframe>`;

test("in a sandboxed frame recordings play, and a run says why it cannot be", async ({ page }) => {
  await using host = await openStaticHost();
  await host.write("sandbox.html", SANDBOX.replace("PAGE", "./?backend=wasm"));
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(`${host.site}sandbox.html`);
  const frame = page.frameLocator("iframe");
  await expect(frame.locator("unmask-text .word").first()).toBeVisible();
  await frame.getByRole("textbox", { name: "Prompt" }).fill(STORY);
  await frame.getByRole("button", { name: "Generate" }).click();
  await expect(frame.getByRole("alert")).toContainText("a sandboxed frame may not start one");
  await expect(frame.getByRole("status")).toContainText("error: backend-unavailable");
  await frame.locator("#recording-file").setInputFiles(recordingFile(JSON.stringify(START)));
  await expect(frame.getByRole("status")).toContainText("done: a recording");
  expect(problems).toEqual([]);
});

test("an embed in a sandboxed frame without storage writes", async ({ page }) => {
  await using host = await openStaticHost();
  await host.write("sandbox.html", SANDBOX.replace("PAGE", "host.html"));
  await host.write(
    "host.html",
    `<!doctype html><title>embed</title><script type="module" src="embed.js"></script>
<unmask-text controls prompt="Once upon a time" recipe='{"preset":"llada","length":8}'></unmask-text>`,
  );
  await page.goto(`${host.site}sandbox.html`);
  const sheet = page.frameLocator("iframe").locator("unmask-text");
  await sheet.getByRole("button", { name: "Write" }).click();
  await expect(sheet.getByRole("status")).toContainText(/^done/, { timeout: 90_000 });
});
