import { spawn } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, type Page } from "@playwright/test";
import { ensureLibrary } from "../../scripts/build-app.mjs";
import { test } from "../support/strict-test.ts";
import { emptyProject, openSite, type Project } from "./project.ts";

/**
 * The packed package in a project of its own: installed from the tarball, built by each bundler, run in Chromium. The
 * program and the markup are those of the README.
 */
const TOOLS = ["vite@8.3.8", "webpack@5.112.2", "webpack-cli@7.3.1", "esbuild@0.28.2"];
/** What npm says when there is no registry to be reached. */
const NO_REGISTRY =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/;
const SHORT = JSON.stringify({ preset: "llada", length: 8 });
const ICON = `<link rel="icon" href="data:,">`;

let project: Project;
let unreachable = "";
let program = "";
let markup = "";

test.describe.configure({ mode: "serial" });
test.setTimeout(480_000);

test.beforeAll(async () => {
  test.setTimeout(600_000);
  ensureLibrary();
  const readme = await readFile("README.md", "utf8");
  program = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  markup = /```html\n([\s\S]*?)```/.exec(readme)![1]!;
  project = await emptyProject();
  const { folder } = project;
  await writeFile(join(folder, "package.json"), `{"private": true, "type": "module"}`);
  await npm(".", "pack", "--pack-destination", folder);
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  try {
    await npm(folder, "install", "--ignore-scripts", "--no-audit", "--no-fund", tarball!, ...TOOLS);
  } catch (error) {
    const [code] = NO_REGISTRY.exec(String(error)) ?? [];
    if (code === undefined) throw error;
    unreachable = `the npm registry cannot be reached (${code})`;
    return;
  }
  await project.node("node_modules/unmask/dist/cli.js", "assets", ".");
});
test.beforeEach(() => test.skip(unreachable !== "", unreachable));
test.afterAll(() => project[Symbol.asyncDispose]());

function npm(cwd: string, ...args: string[]): Promise<void> {
  const command = process.platform === "win32" ? "npm.cmd" : "npm";
  const child = spawn(command, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (part: Buffer) => {
    said += part.toString();
  });
  return new Promise((done, fail) => {
    child.on("close", (code) => (code === 0 ? done() : fail(new Error(`npm ${args[0]}: ${said}`))));
  });
}

/** Whole texts take long, and it is the same code that writes a short one. */
function shortened(text: string): string {
  const [options] = /\{ recipe:.*? \}/.exec(text)!;
  return text.replace(options, `${options.slice(0, -2)}, maxNewTokens: 8 }`);
}

/**
 * A folder with the page of the README, which runs the program as `built`. With a `head` for pages without a bundler the
 * markup brings its own script.
 */
async function createSite(name: string, built: string, head = ""): Promise<string> {
  const site = join(project.folder, name);
  const lines = markup.split("\n").filter((line) => head !== "" || !line.startsWith("<script"));
  await mkdir(site);
  await writeFile(
    join(site, "index.html"),
    `<!doctype html><title>${name}</title>${ICON}${head}<script type="module" src="${built}"></script>${lines.join("\n")}`,
  );
  const own = head === "" ? `import "unmask/element/define";\n${shortened(program)}` : program;
  await writeFile(join(site, "main.js"), own);
  return site;
}

async function linkAssets(site: string): Promise<void> {
  for (const name of ["ort", "models"]) await symlink(join(project.folder, name), join(site, name));
}

/** The program prints a text, and the element writes another. */
async function expectWorks(page: Page, address: string): Promise<void> {
  const printed = page.waitForEvent("console", {
    predicate: (message) => message.type() === "log" && !message.text().startsWith("["),
    timeout: 240_000,
  });
  const problems = await openSite(page, address);
  expect((await printed).text().length).toBeGreaterThan(8);
  const sheet = page.locator("unmask-text");
  await sheet.evaluate((element, recipe) => element.setAttribute("recipe", recipe), SHORT);
  await sheet.getByRole("button", { name: "Write" }).click();
  await expect(sheet.getByRole("status")).toHaveText(/^done: \d+ tokens\. \S/, { timeout: 120_000 });
  expect(problems).toEqual([]);
}

test("the README's program runs on Node, and every entry can be imported", async () => {
  await writeFile(join(project.folder, "main.js"), program);
  const printed = await project.node("main.js");
  expect(printed.trim().split("\n").at(-1)!.length).toBeGreaterThan(20);
  const { exports } = JSON.parse(await readFile("package.json", "utf8")) as { exports: object };
  const entries = Object.keys(exports).filter((name) => !/package\.json|worker/.test(name));
  const imports = `
    const before = Reflect.ownKeys(globalThis).length;
    for (const name of ${JSON.stringify(entries)}) await import("unmask" + name.slice(1));
    console.log("globals added: " + (Reflect.ownKeys(globalThis).length - before));`;
  await writeFile(join(project.folder, "imports.js"), imports);
  expect((await project.node("imports.js")).trim()).toBe("globals added: 0");
});

test("without a bundler, by an import map", async ({ page }) => {
  const imports = { imports: { unmask: "./unmask/index.js" } };
  const head = `<script type="importmap">${JSON.stringify(imports)}</script>`;
  const site = await createSite("plain", "main.js", head);
  await linkAssets(site);
  await cp(join(project.folder, "node_modules/unmask/dist"), join(site, "unmask"), { recursive: true });
  await expectWorks(page, site);
  const missing = await page.evaluate(async () => {
    const manifest = await (await fetch("unmask/custom-elements.json")).json();
    const { members, attributes } = manifest.modules[0].declarations[0] as Record<string, { name: string }[]>;
    const sheet = document.createElement("unmask-text");
    return [...members!, ...attributes!].map(({ name }) => name).filter((name) => !(name in sheet));
  });
  expect(missing).toEqual([]);
});

test("built by Vite, and from its development server", async ({ page, context }) => {
  const site = await createSite("vite", "main.js");
  await mkdir(join(site, "public"));
  await linkAssets(join(site, "public"));
  const vite = join(project.folder, "node_modules/vite/bin/vite.js");
  await project.node(vite, "build", "vite", "--logLevel", "warn");
  await expectWorks(page, join(site, "dist"));
  await page.close();
  const server = spawn(process.execPath, [vite, "dev", site, "--host", "127.0.0.1", "--port", "0"], {
    cwd: site,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let said = "";
    const address = await new Promise<string>((done, fail) => {
      server.on("close", () => fail(new Error(said)));
      server.stdout.on("data", (part: Buffer) => {
        said += part.toString();
        const [found] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? [];
        if (found !== undefined) done(found);
      });
    });
    await expectWorks(await context.newPage(), address);
  } finally {
    server.kill();
  }
});

test("built by webpack", async ({ page }) => {
  const site = await createSite("webpack", "out/main.js");
  await linkAssets(site);
  const webpack = "node_modules/webpack-cli/bin/cli.js";
  await project.node(webpack, "--mode", "production", "--entry", "./webpack/main.js", "-o", "webpack/out");
  await expectWorks(page, site);
});

test("built by esbuild, which knows no workers: the worker is an entry", async ({ page }) => {
  const site = await createSite("esbuild", "out/main.js");
  await linkAssets(site);
  const entries = ["esbuild/main.js", "unmask/worker"];
  const options = ["--bundle", "--splitting", "--format=esm", "--entry-names=[name]", "--outdir=esbuild/out"];
  await project.node("node_modules/esbuild/bin/esbuild", ...entries, ...options, "--log-level=warning");
  await expectWorks(page, site);
});

test("the manifest names modules that are there", async () => {
  const { modules } = JSON.parse(
    await readFile(resolve(project.folder, "node_modules/unmask/dist/custom-elements.json"), "utf8"),
  ) as { modules: { path: string }[] };
  for (const { path } of modules) {
    expect(
      (await readFile(join(project.folder, "node_modules/unmask", path), "utf8")).length,
    ).toBeGreaterThan(0);
  }
});
