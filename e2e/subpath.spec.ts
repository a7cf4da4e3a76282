import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "@playwright/test";
import { serveFolder } from "../scripts/serve.mjs";
import { openDemo, STORY } from "./demo-page.ts";

test("the built site works below a path of a plain static host", async ({ page }) => {
  const root = await mkdtemp(join(tmpdir(), "unmask-host-"));
  await mkdir(join(root, "x"));
  await symlink(resolve("dist-app"), join(root, "x/y"));
  const server = await serveFolder({ folder: root, port: 0, isolated: false });
  try {
    const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x/y/`;
    const strays: string[] = [];
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site)) strays.push(request.url());
    });
    page.on("response", (response) => {
      if (response.status() >= 400) strays.push(`${response.status()} ${response.url()}`);
    });
    const demo = await openDemo(page, `${site}?backend=wasm`);
    await demo.run(STORY, 8);
    expect(strays).toEqual([]);
    await expect(page.locator("#backend-chip")).toContainText("WASM x1");
    await page.locator("#backend-chip").click();
    await expect(page.locator("#backend-reason")).toContainText("not cross-origin isolated");
  } finally {
    server.close();
    await rm(root, { recursive: true });
  }
});
