import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright";
import * as v from "valibot";
import { findChromium } from "../../scripts/chromium.mjs";
import { serveFolder } from "../../scripts/serve.mjs";
import { UnmaskError } from "../../src/core/errors.ts";

const SAMPLE_MS = 1000;
const MB = 1e6;

export interface ChromiumFigures {
  /** Scripts, their heaps and buffers of page and workers together, by `measureUserAgentSpecificMemory`. */
  readonly idleMb: number;
  readonly peakMb: number;
  /** Largest resident set of a renderer process, where the system tells (Linux). */
  readonly idleResidentMb?: number;
  readonly peakResidentMb?: number;
  readonly seconds: number;
  readonly samples: number;
  /** What became of the load that follows the conversion: the last words of the status line. */
  readonly load: string;
  readonly browser: string;
}

/**
 * Pastes the address of `checkpoint` into the demo, which a local server with ranges serves beside it, converts it into
 * the private file system of a fresh profile on disk, and watches the memory meanwhile.
 */
export async function measureChromium(
  scratch: string,
  checkpoint: string,
  status: (text: string) => void,
): Promise<ChromiumFigures> {
  const executablePath = findChromium();
  if (executablePath === undefined)
    throw new UnmaskError("usage", "No Chromium was found; npm test installs one.");
  const server = await serveFolder({ folder: "dist-app", port: 0, mounts: { checkpoint } });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
  // A private window would keep the store in memory.
  const profile = join(scratch, "profile");
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    channel: "chromium",
    args: ["--no-sandbox", "--enable-blink-features=ForceEagerMeasureMemory"],
  });
  try {
    return await measure(context, profile, url, status);
  } finally {
    await context.close();
    server.closeAllConnections();
    server.close();
  }
}

async function measure(
  context: BrowserContext,
  profile: string,
  url: string,
  status: (text: string) => void,
): Promise<ChromiumFigures> {
  const page = await context.newPage();
  await page.goto(`${url}?backend=wasm`);
  await page.getByRole("button", { name: "Add a model" }).click();
  await page.getByRole("textbox", { name: "Name on Hugging Face, or address" }).fill(`${url}checkpoint/`);
  await page.getByRole("button", { name: "Look", exact: true }).click();
  const convert = page.getByRole("button", { name: "Download and convert" });
  await convert.waitFor({ timeout: 120_000 });
  const idleMb = await scriptMb(page);
  const idleResidentMb = await residentMb(profile);
  const began = performance.now();
  await convert.click();
  let peakMb = idleMb;
  let peakResidentMb = idleResidentMb;
  let samples = 0;
  const running = page.locator("#own-running");
  await running.waitFor();
  while (await running.isVisible()) {
    peakMb = Math.max(peakMb, await scriptMb(page));
    const resident = await residentMb(profile);
    if (resident !== undefined) peakResidentMb = Math.max(peakResidentMb ?? 0, resident);
    samples++;
    status(`${await page.locator("#own-state").textContent()}, ${peakMb} MB`);
    await page.waitForTimeout(SAMPLE_MS);
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  const problem = page.locator("#own-problem");
  if (await problem.isVisible()) {
    throw new UnmaskError("internal", `The conversion failed: ${await problem.textContent()}`);
  }
  const line = page.getByRole("status");
  await page
    .waitForFunction(() => /ready:|error/.test(document.querySelector("#status")?.textContent ?? ""), null, {
      timeout: 600_000,
    })
    .catch(() => undefined);
  const load = (await line.textContent().catch(() => null)) ?? "the page crashed";
  const browser = (await page.evaluate(() => navigator.userAgent).catch(() => "")).replace(/^.*Chrome\//, "");
  return {
    idleMb,
    peakMb,
    ...(idleResidentMb !== undefined && { idleResidentMb }),
    ...(peakResidentMb !== undefined && { peakResidentMb }),
    seconds,
    samples,
    load,
    browser,
  };
}

const memorySchema = v.object({ bytes: v.number() });

async function scriptMb(page: Page): Promise<number> {
  const found = await page.evaluate(async () => {
    // Not in the types of the page yet.
    const measure: unknown = Reflect.get(performance, "measureUserAgentSpecificMemory");
    if (typeof measure !== "function") throw new Error("this browser does not measure its memory");
    const memory: unknown = await Reflect.apply(measure, performance, []);
    return memory;
  });
  return Math.round(v.parse(memorySchema, found).bytes / MB);
}

/** The largest renderer of the browser that uses `profile`; undefined where there is no /proc. */
async function residentMb(profile: string): Promise<number | undefined> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const processes = new Map<string, { parent: string; command: string; mb: number }>();
  for (const pid of pids) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    const status = await read("status");
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? "0";
    const mb = Math.round(Number(field("VmRSS")) / 1000);
    processes.set(pid, { parent: field("PPid"), command: await read("cmdline"), mb });
  }
  const isOurs = (pid: string): boolean => {
    const entry = processes.get(pid);
    return entry !== undefined && (entry.command.includes(profile) || isOurs(entry.parent));
  };
  const ours = [...processes].filter(
    ([pid, { command }]) => command.includes("--type=renderer") && isOurs(pid),
  );
  return ours.length === 0 ? undefined : Math.max(...ours.map(([, { mb }]) => mb));
}
