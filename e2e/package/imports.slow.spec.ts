import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, type Page } from "@playwright/test";
import { build } from "vite";
import { ensureLibrary } from "../../scripts/build-app.mjs";
import { serveFolder } from "../../scripts/serve.mjs";
import { test } from "../support/strict-test.ts";

/** That importing an entry of the built package does nothing: in Node, and bundled for a browser. */
test.setTimeout(300_000);
test.beforeAll(() => {
  test.setTimeout(300_000);
  ensureLibrary();
});

/** Entries by their names; a worker has nothing but its effect. */
async function entries(): Promise<[name: string, file: string][]> {
  const { exports } = JSON.parse(await readFile("package.json", "utf8")) as {
    exports: Record<string, string | { default: string }>;
  };
  return Object.entries(exports).flatMap(([name, target]): [string, string][] =>
    typeof target === "string" || name === "./worker" ? [] : [[name, target.default]],
  );
}

/** Notes every call that has an effect outside of the module that makes it; runs before anything is imported. */
function watchEffects(): void {
  const noted: string[] = [];
  const known = Reflect.ownKeys(globalThis).length;
  const wrap = (owner: object, name: string): void => {
    const inner = Reflect.get(owner, name) as unknown;
    if (typeof inner !== "function") return;
    const wrapped = new Proxy(inner, {
      apply(target, self, args: unknown[]) {
        noted.push(`${name} ${String(args[0]).slice(0, 60)}`);
        return Reflect.apply(target, self, args) as unknown;
      },
      construct(target, args: unknown[]) {
        noted.push(`new ${name}`);
        return Reflect.construct(target, args) as object;
      },
    });
    Reflect.set(owner, name, wrapped);
  };
  const shared = [
    "fetch",
    "setTimeout",
    "setInterval",
    "queueMicrotask",
    "Worker",
    "BroadcastChannel",
    "MessageChannel",
  ];
  for (const name of shared) wrap(globalThis, name);
  const { EventTarget, CustomElementRegistry, Storage, IDBFactory, Node } = globalThis as unknown as Record<
    string,
    { prototype: object } | undefined
  >;
  for (const [type, names] of [
    [EventTarget, ["addEventListener"]],
    [CustomElementRegistry, ["define"]],
    [Storage, ["getItem", "setItem"]],
    [IDBFactory, ["open"]],
    [Node, ["appendChild", "insertBefore"]],
  ] as const) {
    if (type !== undefined) for (const name of names) wrap(type.prototype, name);
  }
  Object.assign(globalThis, {
    takeEffects: () => {
      // One for this function itself.
      const added = Reflect.ownKeys(globalThis).length - known - 1;
      if (added > 0) noted.push(`${added} globals`);
      return noted.splice(0);
    },
  });
}

test("in Node every entry is imported without an effect, and nothing keeps the process alive", async () => {
  for (const [name] of await entries()) {
    const script = `(${watchEffects})();
await import("unmask${name.slice(1)}");
const effects = takeEffects().concat(process.getActiveResourcesInfo().filter((one) => !/^(Pipe|TTY|FS|Close)/.test(one)));
console.log(JSON.stringify(effects));`;
    expect(await run(script), name).toBe("[]");
  }
});

test("in a browser every entry is imported without an effect, but for the element that define registers", async ({
  page,
}) => {
  const folder = await mkdtemp(join(tmpdir(), "unmask-imports-"));
  const named = (await entries()).map(([name, file]) => [name.replace(/\W+/g, "_"), file] as const);
  await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    build: {
      outDir: folder,
      target: "es2022",
      modulePreload: false,
      // Nothing is left out because it seems to have no effect: that is what is to be seen.
      rolldownOptions: {
        input: Object.fromEntries(named),
        external: ["@huggingface/transformers"],
        treeshake: false,
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "[name].js" },
      },
    },
  });
  const server = await serveFolder({ folder, port: 0 });
  try {
    const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await page.route(`${site}/empty.html`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html><title>empty</title>" }),
    );
    for (const [entry] of named) {
      const effects = await effectsOf(page, `${site}/empty.html`, `./${entry}.js`);
      expect(effects, entry).toEqual(entry === "_element_define" ? ["define unmask-text"] : []);
    }
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
});

async function effectsOf(page: Page, address: string, entry: string): Promise<string[]> {
  await page.goto(address);
  await page.evaluate(watchEffects);
  return page.evaluate(async (path) => {
    await import(new URL(path, location.href).href);
    return (globalThis as unknown as { takeEffects(): string[] }).takeEffects();
  }, entry);
}

/** Runs a module with Node in the checkout, where the package finds itself by its name, and gives its last line. */
function run(script: string): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 120_000,
  });
  let said = "";
  child.stdout.on("data", (part: Buffer) => {
    said += part.toString();
  });
  return new Promise((done, fail) => {
    child.on("close", (code) => (code === 0 ? done(said.trim()) : fail(new Error(`exit ${code}: ${said}`))));
  });
}
