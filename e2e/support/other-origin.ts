import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** The policy that docs/embed.md asks an embedding page for, with the address of the site filled in. */
async function documentedPolicy(site: string): Promise<string> {
  const guide = await readFile("docs/embed.md", "utf8");
  const [, policy] = /```\n(default-src[\s\S]+?)```/.exec(guide) ?? [];
  if (policy === undefined) throw new Error("docs/embed.md names no policy");
  return policy.replaceAll(/\s+/g, " ").replaceAll("https://your-site.example", new URL(site).origin).trim();
}

/**
 * Opens a page of another origin than the site's, under the documented policy, with the one script tag and `body`.
 *
 * @param isolated the page sends COOP and COEP; `threads`: and its policy allows what threads need besides
 * @returns what the console complains of, and goes on to
 */
export async function openOtherOrigin(
  page: Page,
  site: string,
  body: string,
  isolated: false | true | "threads" = false,
): Promise<string[]> {
  const documented = await documentedPolicy(site);
  const policy = isolated === "threads" ? documented.replace("script-src", "script-src blob:") : documented;
  const headers = isolated === false ? {} : ISOLATION;
  // A real server: a page that is only made up counts as public, and may not reach this machine's own addresses.
  const server = createServer((request, response) => {
    if (request.url !== "/") return response.writeHead(204).end();
    response.writeHead(200, { ...headers, "Content-Type": "text/html", "Content-Security-Policy": policy });
    return response.end(
      `<!doctype html><meta charset="utf-8"><title>host</title><script type="module" src="${site}embed.js"></script>${body}`,
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  page.on("close", () => server.close());
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return problems;
}
