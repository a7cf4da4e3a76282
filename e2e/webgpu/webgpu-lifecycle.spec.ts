import { expect } from "@playwright/test";
import { openModule } from "../support/page-module.ts";
import { SLOW, test } from "../support/strict-test.ts";
import { type TinyBundle, tinyBundle } from "../support/tiny-bundle.ts";

declare const subject: typeof import("../pages/lifecycle.ts");

let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["q4"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());
test.beforeEach(async ({ page }) => {
  test.setTimeout(300_000);
  await bundle.route(page);
  await openModule(page, "pages/lifecycle.ts");
  await page.evaluate(() => subject.countGpuObjects());
});

test("a closed model leaves no device and no buffer, and runs leave none behind", { tag: SLOW }, async ({
  page,
}) => {
  for (const runs of [5, 1]) {
    const { open, closed } = await page.evaluate((n) => subject.openAndClose(n), runs);
    expect(open[0]!.buffers).toBeGreaterThan(5);
    // onnxruntime keeps a pool that settles in the first runs.
    expect(open.at(-1)!.buffers - open[0]!.buffers).toBeLessThanOrEqual(2);
    expect(open.every(({ devices }) => devices === 1)).toBe(true);
    expect(closed).toEqual({ devices: 0, buffers: 0 });
  }
});

test("a lost device is replaced in the middle of a text, which ends the same", { tag: SLOW }, async ({
  page,
}) => {
  const { whole, broken, after, events, left } = await page.evaluate(() => subject.loseDevice({}));
  expect(whole).toMatchObject({ reason: "complete", steps: 6, nfe: 6 });
  expect(broken).toEqual(whole);
  expect(after).toEqual(whole);
  const types = events.map((event) => (event.type === "cache" ? `cache ${event.step}` : event.type));
  const step = ["forward", "step"];
  expect(types).toEqual([
    ...["start", ...step, ...step, ...step],
    ...["cache 3", ...step, ...step, ...step, "done"],
  ]);
  expect(left).toEqual({ devices: 0, buffers: 0 });
});

test("a lost device takes the cached keys with it; they are made again, and the text ends the same", async ({
  page,
}) => {
  const { whole, broken, after, events } = await page.evaluate(() => subject.loseDevice({ cache: "dual" }));
  expect(whole).toMatchObject({ reason: "complete", steps: 6 });
  expect(broken).toEqual(whole);
  expect(events.some((event) => event.type === "cache" && event.why.includes("taken away"))).toBe(true);
  expect(after).toEqual(whole);
});

test("texts that go on together survive the loss of their device", { tag: SLOW }, async ({ page }) => {
  const search = { method: "best-of", n: 2 };
  const recipe = { temperature: 1, search, cache: "dual" };
  const { whole, broken, after, events, left } = await page.evaluate(
    (one) => subject.loseDevice(one),
    recipe,
  );
  const runs = events.flatMap((event) => (event.type === "forward" ? [event.runs] : []));
  expect(runs.slice(0, 4)).toEqual([1, 0, 1, 0]);
  expect(whole).toMatchObject({ reason: "complete", nfe: 12 });
  expect([broken, after]).toEqual([whole, whole]);
  expect(left).toEqual({ devices: 0, buffers: 0 });
});

test("branches that are too much for the device together are computed one at a time", { tag: SLOW }, async ({
  page,
}) => {
  const recipe = { guidance: { cfg: 1 } };
  const { whole, broken, after, events, left } = await page.evaluate(
    (one) => subject.loseDevice(one, "exhausted"),
    recipe,
  );
  const runs = events.flatMap((event) => (event.type === "forward" ? [event.runs] : []));
  expect(runs).toEqual([1, 1, 1, 2, 2, 2]);
  expect(events.flatMap((event) => (event.type === "cache" ? [event.why] : []))).toEqual([
    expect.stringContaining("out of memory"),
  ]);
  expect([broken, after]).toEqual([whole, whole]);
  expect(left).toEqual({ devices: 0, buffers: 0 });
});

test("a GPU without memory is a clear error, everything is released, and a shorter text then works", {
  tag: SLOW,
}, async ({ page }) => {
  const { short, code, released, after, left } = await page.evaluate(() => subject.runOutOfMemory());
  expect(code).toBe("out-of-memory");
  expect(released).toEqual({ devices: 0, buffers: 0 });
  expect(after).toEqual(short);
  expect(left).toEqual({ devices: 0, buffers: 0 });
});

test("a steady step makes no buffer", { tag: SLOW }, async ({ page }) => {
  for (const recipe of [{}, { cache: "dual" }, { cache: "dual", guidance: { cfg: 1 } }]) {
    const steps = await page.evaluate((one) => subject.buffersPerStep(one), recipe);
    const type = `buffers, ${JSON.stringify(recipe)}`;
    test.info().annotations.push({ type, description: steps.join(" ") });
    expect(steps.slice(2).every((count) => count === 0)).toBe(true);
  }
});

test("a limit that the model never fits is refused at once, one that a long text meets refuses that text", {
  tag: SLOW,
}, async ({ page }) => {
  const vocab = 512;
  const row = 4 * vocab;
  expect(await page.evaluate((bytes) => subject.openLimited(bytes), 63 * row)).toBe("webgpu-unavailable");
  expect(await page.evaluate((bytes) => subject.openLimited(bytes), 70 * row)).toBe(
    "webgpu, out-of-memory, same",
  );
});
