import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** What the package exports can be imported anywhere, and does nothing until it is called. */
const ENTRIES: Readonly<Record<string, () => Promise<object>>> = {
  ".": () => import("./index.ts"),
  "./strategies": () => import("./strategies/index.ts"),
  "./search": () => import("./search/index.ts"),
  "./fit": () => import("./strategies/fit/index.ts"),
  "./companion": () => import("./companion/index.ts"),
  "./element": () => import("./element/element.ts"),
  "./element/define": () => import("./element/define.ts"),
  "./element/react": () => import("./element/react.ts"),
  "./element/vue": () => import("./element/vue.ts"),
  "./element/svelte": () => import("./element/svelte.ts"),
  "./element/jsx": () => import("./element/jsx.ts"),
  "./convert": () => import("./convert/index.ts"),
};
/** A worker has nothing but its effect. */
const NO_LIBRARY = ["./worker", "./package.json"];

const globals = (): string[] => Reflect.ownKeys(globalThis).map(String).sort();

test("every entry of the package is looked at here", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as { exports: object };
  expect(Object.keys(exports).sort()).toEqual([...Object.keys(ENTRIES), ...NO_LIBRARY].sort());
});

test.each(Object.keys(ENTRIES))("importing %s leaves no trace where there is no DOM", async (entry) => {
  const before = globals();
  const listeners = process.eventNames().map((name) => [String(name), process.listenerCount(name)]);
  await ENTRIES[entry]!();
  expect(globals()).toEqual(before);
  expect(process.eventNames().map((name) => [String(name), process.listenerCount(name)])).toEqual(listeners);
});

test("only the define entry registers an element", async () => {
  const registered: string[] = [];
  const registry = { get: () => undefined, define: (name: string) => registered.push(name) };
  Object.assign(globalThis, { customElements: registry });
  try {
    for (const entry of Object.keys(ENTRIES).filter((name) => name !== "./element/define")) {
      await ENTRIES[entry]!();
    }
    expect(registered).toEqual([]);
    const { defineUnmaskText } = await import("./element/define.ts");
    defineUnmaskText();
    expect(registered).toEqual(["unmask-text"]);
  } finally {
    Reflect.deleteProperty(globalThis, "customElements");
  }
});

test("the entry for Node exports what the one for browsers does", async () => {
  const [browser, node] = await Promise.all([import("./index.ts"), import("./node.ts")]);
  expect(Object.keys(node).sort()).toEqual(Object.keys(browser).sort());
});
