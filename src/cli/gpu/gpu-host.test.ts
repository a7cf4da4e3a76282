import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { wasmHost } from "../../convert/graph/graph-host.ts";
import { verifyCheckpoint } from "../../convert/verify.ts";
import { openGpuBrowser } from "./gpu-browser.ts";
import { type PageLink, pageHost } from "./gpu-host.ts";

const LIMIT_MS = 600_000;
const MATRICES = join(import.meta.dirname, "../../convert/fixtures/quant-edge");

afterEach(() => {
  vi.useRealTimers();
});

/** Never answers; the clock goes past the limit as soon as it was set. */
function hang(): Promise<never> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  queueMicrotask(() => vi.advanceTimersByTime(LIMIT_MS));
  return new Promise(() => {});
}

/** A page that computes on WASM here, and what befalls it. */
function fakePage(run: "works" | "hangs" | "breaks" | "loses its device"): PageLink & { closed(): boolean } {
  let closed = false;
  const graphs: Awaited<ReturnType<Awaited<ReturnType<typeof wasmHost>>["open"]>>[] = [];
  const calls: Record<string, (...given: never[]) => unknown> = {
    open: async (...given: Parameters<Awaited<ReturnType<typeof wasmHost>>["open"]>) => {
      const graph = await (await wasmHost()).open(...given);
      return { graph: graphs.push(graph) - 1, inputNames: graph.inputNames };
    },
    run: (graph: number, feeds: Parameters<(typeof graphs)[number]["run"]>[0]) => {
      if (run === "hangs") return hang();
      if (run === "breaks") throw new Error("wrong shader");
      if (run === "loses its device") throw new Error("The GPU was taken away: reset");
      return graphs[graph]!.run(feeds);
    },
    release: (graph: number) => graphs[graph]!.release(),
  };
  return {
    call: async (name: string, ...given: readonly unknown[]) => calls[name]!(...(given as never[])) as never,
    close: async () => {
      closed = true;
    },
    closed: () => closed,
  };
}

test("products of a page are held against the fixtures as those of WASM are", async () => {
  const page = fakePage("works");
  {
    await using host = pageHost(page, () => Promise.reject(new Error("one is enough")), LIMIT_MS);
    const cases = await verifyCheckpoint(nodeFolder(MATRICES), "edge", { backend: "webgpu", host });
    expect(cases.length).toBeGreaterThan(20);
    expect(cases.filter(({ pass }) => !pass)).toEqual([]);
  }
  expect(page.closed()).toBe(true);
});

test.each([
  ["hangs", "backend-unavailable"],
  ["breaks", "internal"],
  ["loses its device", "device-lost"],
] as const)(
  "a page that %s is closed and its case fails with %s; the next one gets a new page",
  async (fate, code) => {
    const [broken, next] = [fakePage(fate), fakePage("works")];
    await using host = pageHost(broken, async () => next, LIMIT_MS);
    const verify = () => verifyCheckpoint(nodeFolder(MATRICES), "edge", { backend: "webgpu", host });
    await expect(verify()).rejects.toMatchObject({ code });
    expect(broken.closed()).toBe(true);
    vi.useRealTimers();
    expect((await verify()).filter(({ pass }) => !pass)).toEqual([]);
    expect(next.closed()).toBe(false);
  },
);

test("without playwright the command says what is missing", async () => {
  const absent = () => Promise.reject(new Error("Cannot find package 'playwright'"));
  await expect(openGpuBrowser(absent)).rejects.toMatchObject({
    code: "backend-unavailable",
    message: expect.stringContaining("npm install playwright"),
  });
});
