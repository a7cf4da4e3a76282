import type { Page } from "@playwright/test";

/** Opens a page of the site's origin, isolated as the demo is, with the script of the embed and `body` on it. */
export async function openOwnPage(page: Page, body: string, head: string = ""): Promise<void> {
  await page.goto("favicon.svg");
  await page.route("**/host.html", (route) =>
    route.fulfill({
      contentType: "text/html",
      headers: {
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Opener-Policy": "same-origin",
      },
      body: `<!doctype html><html lang="en"><title>host</title>
<meta name="color-scheme" content="light dark"><style>html { background: Canvas }</style>${head}
<main><h1>Host</h1><script type="module" src="embed.js"></script>${body}</main></html>`,
    }),
  );
  await page.goto("host.html");
}
