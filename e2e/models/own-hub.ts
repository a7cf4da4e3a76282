import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, type Locator, type Page } from "@playwright/test";
import { type HubFault, type HubRequest, type HubServer, hubServer } from "../../src/sources/hub-server.ts";

export const TINY = fileURLToPath(new URL("../../src/convert/fixtures/a2d-qwen3-mdlm", import.meta.url));
const CHECKPOINT_FILE = /^(config|tokenizer|tokenizer_config)\.json$|\.jinja$|^model.*\.safetensors$/;

/** The files of a checkpoint folder by name. */
export async function filesOf(folder: string): Promise<Record<string, Uint8Array>> {
  const names = (await readdir(folder)).filter((name) => CHECKPOINT_FILE.test(name));
  const entries = names.map(
    async (name) => [name, new Uint8Array(await readFile(join(folder, name)))] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** A model hub of this process, which pages reach at the address of the real one. */
export interface FakeHub extends AsyncDisposable {
  readonly server: HubServer;
  /** @param hold requests for weights from this one on are never answered */
  route(page: Page, hold?: number): Promise<void>;
}

export async function fakeHub(
  files: Readonly<Record<string, Uint8Array>>,
  faultOf?: (request: HubRequest) => HubFault | undefined,
): Promise<FakeHub> {
  const server = await hubServer(files, faultOf);
  return {
    server,
    async route(page, hold = Number.POSITIVE_INFINITY) {
      let weights = 0;
      await page.route("https://huggingface.co/**", async (route) => {
        const { pathname, search } = new URL(route.request().url());
        if (/\.(safetensors|data)$/.test(pathname) && ++weights >= hold) return;
        const range = route.request().headers()["range"];
        const answer = await fetch(`${server.url}${pathname}${search}`, {
          headers: range === undefined ? {} : { range },
        });
        await route.fulfill({
          status: answer.status,
          headers: {
            ...Object.fromEntries(answer.headers),
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "*, ETag, Content-Range, Retry-After, X-Error-Code",
          },
          body: Buffer.from(await answer.arrayBuffer()),
        });
      });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Until a converted model is loaded. */
export const READY = { timeout: 90_000 } as const;

/** The form for a model of one's own, as its user meets it. */
export interface OwnForm {
  readonly name: Locator;
  readonly look: Locator;
  readonly title: Locator;
  readonly facts: Locator;
  readonly convert: Locator;
  readonly problem: Locator;
  readonly leftovers: Locator;
  /** Pastes a name or an address and looks at it. */
  paste(text: string): Promise<void>;
  /** Chooses a folder with the picker. */
  choose(folder: string): Promise<void>;
}

export async function openOwnForm(page: Page): Promise<OwnForm> {
  await page.getByRole("button", { name: "Add a model" }).click();
  const name = page.getByRole("textbox", { name: "Name on Hugging Face, or address" });
  await expect(name).toBeFocused();
  const form: OwnForm = {
    name,
    look: page.getByRole("button", { name: "Look", exact: true }),
    title: page.locator("#own-title"),
    facts: page.locator("#own-facts"),
    convert: page.getByRole("button", { name: /^(Download (and|the rest)|Convert|Add it$)/ }),
    problem: page.locator("#own-problem"),
    leftovers: page.getByRole("list", { name: "Unfinished conversions" }),
    async paste(text) {
      await name.fill(text);
      await form.look.click();
    },
    choose: (folder) => page.locator("#own-files").setInputFiles(folder),
  };
  return form;
}

/** Paths of everything in the origin private file system. */
export function storedPaths(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const found: string[] = [];
    const visit = async (folder: FileSystemDirectoryHandle, path: string): Promise<void> => {
      for await (const [name, handle] of folder.entries()) {
        if (handle.kind === "file") found.push(`${path}${name}`);
        else await visit(handle as FileSystemDirectoryHandle, `${path}${name}/`);
      }
    };
    await visit(await navigator.storage.getDirectory(), "");
    return found.sort();
  });
}

/** Drags a folder of this machine onto the middle of the page. */
export async function dropFolder(page: Page, folder: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await session.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
  }
}

/** The page has nothing of a model but the list of unfinished ones, and works. */
export async function expectUnharmed(page: Page): Promise<void> {
  expect(await storedPaths(page)).toEqual([]);
  await expect(page.getByRole("button", { name: "Generate" })).toBeEnabled();
}
