import { expect, test } from "vitest";
import { lazySession } from "./lazy-session.ts";
import type { GraphSession } from "./session.ts";

function fakeSession(log: string[]): GraphSession {
  return {
    kv: { names: [], width: 1, float: "float32" },
    biasRepeat: 0,
    takesBatch: true,
    sameRows: false,
    run: () => Promise.reject(new Error("never run")),
    release: async () => {
      log.push("released");
    },
  };
}

test("it is opened once, when it is first asked for, and released with that", async () => {
  const log: string[] = [];
  const lazy = lazySession(async () => {
    log.push("opened");
    return fakeSession(log);
  });
  expect(log).toEqual([]);
  expect(await lazy.get()).toBe(await lazy.get());
  await lazy.release();
  expect(log).toEqual(["opened", "released"]);
});

test("one that nobody asked for is not opened to be released", async () => {
  const lazy = lazySession(() => Promise.reject(new Error("opened")));
  await lazy.release();
});

test("after a failure it is tried again", async () => {
  let tries = 0;
  const lazy = lazySession(async () => {
    if (++tries === 1) throw new Error("no memory");
    return fakeSession([]);
  });
  await expect(lazy.get()).rejects.toThrow("no memory");
  expect(await lazy.get()).toBeDefined();
});

test("released while it opens, it hears of it and leaves nothing open", async () => {
  const log: string[] = [];
  let finish = (): void => {};
  const lazy = lazySession(
    (signal) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => log.push("told"));
        finish = () => resolve(fakeSession(log));
      }),
  );
  const opened = lazy.get();
  const released = lazy.release();
  finish();
  await Promise.all([opened, released]);
  expect(log).toEqual(["told", "released"]);
});
