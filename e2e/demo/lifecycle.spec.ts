import { type CDPSession, expect, type Page } from "@playwright/test";
import type { UnmaskTextElement } from "../../src/element/element.ts";
import { openDemo } from "../support/demo-page.ts";
import { test } from "../support/strict-test.ts";
import { type TinyBundle, tinyBundle } from "../support/tiny-bundle.ts";

/** What an embedding page can do to the element and its worker: open and drop it, stop it, crash it. */
let bundle: TinyBundle;
test.beforeAll(async () => {
  bundle = await tinyBundle(["q4", "int8"]);
});
test.afterAll(() => bundle[Symbol.asyncDispose]());
test.beforeEach(async ({ page }) => {
  await bundle.route(page);
  await openDemo(page);
});

/** Puts a fresh sheet in the page, under `globalThis.sheet`. */
function addSheet(page: Page, model = "models/tiny"): Promise<void> {
  return page.evaluate((model) => {
    const sheet = document.createElement("unmask-text") as UnmaskTextElement;
    sheet.setAttribute("model", model);
    sheet.loadOptions = { backend: "wasm", threads: 1 };
    Object.assign(globalThis, { sheet });
    document.body.append(sheet);
  }, model);
}

declare const sheet: UnmaskTextElement;

/** Writes on the fresh sheet; resolves with the reason it ended, or the code of its failure. */
function write(page: Page, maxNewTokens: number): Promise<string> {
  return page.evaluate((length) => {
    const options = { prompt: "a b", maxNewTokens: length, recipe: { preset: "llada", block: length } };
    return sheet.generate(options).then(
      ({ reason }) => reason,
      ({ code }: { code: string }) => code,
    );
  }, maxNewTokens);
}

async function heapBytes(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

test("ten sheets opened and dropped leave no worker, and the page's heap does not grow", async ({ page }) => {
  const session = await page.context().newCDPSession(page);
  const heap: number[] = [];
  for (let round = 0; round < 10; round++) {
    await addSheet(page);
    expect(await write(page, 4)).toBe("complete");
    await page.evaluate(() => sheet.remove());
    await expect.poll(() => page.workers().length).toBe(0);
    heap.push(await heapBytes(session));
  }
  expect(heap[9]! - heap[2]!).toBeLessThan(500_000);
});

test("a stop ends the run within a step, a second run is refused, a dropped sheet ends its run", async ({
  page,
}) => {
  // Its steps are longer than a message between page and worker may be late.
  await addSheet(page, "models/default");
  const result = await page.evaluate(async () => {
    const options = { prompt: "a b", maxNewTokens: 400, recipe: { preset: "llada", block: 400 } };
    let asked = 0;
    let second = "";
    const listen = () => {
      if (sheet.state.steps !== 5) return;
      asked = sheet.state.steps;
      sheet.generate(options).catch(({ code }: { code: string }) => {
        second = code;
      });
      sheet.abort();
    };
    sheet.addEventListener("unmask-step", listen);
    const { reason, steps } = await sheet.generate(options);
    return { reason, second, late: steps - asked };
  });
  expect(result).toMatchObject({ reason: "aborted", second: "busy" });
  expect(result.late).toBeLessThanOrEqual(1);

  const dropped = page.evaluate(async () => {
    sheet.addEventListener("unmask-step", () => sheet.remove(), { once: true });
    return sheet.generate({ prompt: "a b", maxNewTokens: 200 }).then(
      ({ reason }) => reason,
      ({ code }: { code: string }) => code,
    );
  });
  expect(await dropped).toMatch(/aborted|disposed/);
  await expect.poll(() => page.workers().length).toBe(0);
});

test("a worker that crashes fails the run with a code, and the next run opens a new one", async ({
  page,
}) => {
  await addSheet(page);
  expect(await write(page, 2)).toBe("complete");
  const [worker] = page.workers();
  const running = write(page, 200);
  await expect.poll(() => page.evaluate(() => sheet.state.steps)).toBeGreaterThan(1);
  await worker!.evaluate(() => {
    setTimeout(() => {
      throw new Error("a crash on purpose");
    });
  });
  expect(await running).toBe("internal");
  expect(await write(page, 2)).toBe("complete");
  expect(page.workers()).toHaveLength(1);
});
