import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Page } from "@playwright/test";
import { serveFolder } from "../../scripts/serve.mjs";

/** A folder outside of the checkout, as a user of the package has one. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  /** Runs a script with Node in the folder and gives what it prints. @throws Error with all it said when it fails */
  node(script: string, ...args: string[]): Promise<string>;
}

export async function emptyProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "unmask-project-"));
  return {
    folder,
    node: (script, ...args) => runNode(folder, script, ...args),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A copied example with its dependencies: `unmask` is the built package, the others are those of the checkout. */
export async function exampleProject(name: string): Promise<Project> {
  const project = await emptyProject();
  await cp(join("examples", name), project.folder, { recursive: true });
  const { dependencies, devDependencies } = JSON.parse(
    await readFile(join(project.folder, "package.json"), "utf8"),
  ) as Record<"dependencies" | "devDependencies", object | undefined>;
  const names = Object.keys({ ...dependencies, ...devDependencies }).filter((one) => one !== "serve");
  for (const dependency of names) {
    const link = join(project.folder, "node_modules", dependency);
    await mkdir(dirname(link), { recursive: true });
    await symlink(resolve(dependency === "unmask" ? "." : `node_modules/${dependency}`), link);
  }
  return project;
}

function runNode(cwd: string, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (part: Buffer) => {
      said[stream] += part.toString();
    });
  }
  return new Promise((done, fail) => {
    child.on("close", (code) => {
      if (code === 0) done(said.stdout);
      else fail(new Error(`${args[0]}: ${said.stdout}${said.stderr}`));
    });
  });
}

/** Opens the page of a folder, or of an address, and gives what it complains of. */
export async function openSite(page: Page, site: string): Promise<string[]> {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  if (site.startsWith("http:")) {
    await page.goto(site);
    return problems;
  }
  const server = await serveFolder({ folder: site, port: 0 });
  page.on("close", () => {
    server.closeAllConnections();
    server.close();
  });
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return problems;
}
