import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UnmaskError } from "../core/errors.ts";
import { type HubFault, type HubRequest, hubServer } from "../sources/hub-server.ts";
import { nodeFolder } from "./checkpoint/node-folder.ts";
import { convertCheckpoint } from "./convert.ts";
import { SMALL, writeRandomCheckpoint } from "./random-checkpoint.ts";
import { createMeter } from "./target/meter.ts";
import { nodeTarget } from "./target/node-target.ts";

/** Conversions that are cut off and gone on with. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DATA = "onnx/model_q4.onnx_data";

let scratch = "";
let source = "";
/** Hex SHA-256 of the data file of an undisturbed conversion. */
let whole = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-resume-"));
  source = join(scratch, "source");
  await writeRandomCheckpoint(source, SMALL);
  await convert("whole", {});
  whole = await hashOf("whole");
});
afterAll(() => rm(scratch, { recursive: true }));

async function hashOf(name: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(join(scratch, name, DATA)))
    .digest("hex");
}

interface Disturbance {
  readonly remote?: boolean;
  /** Reads of weights before the source fails. */
  readonly failAfter?: number;
  readonly mask?: number;
}

/** Converts to q4; returns the number of bytes read from the weights. */
async function convert(name: string, { remote, failAfter = Number.POSITIVE_INFINITY, mask }: Disturbance) {
  const folder = nodeFolder(source);
  let reads = 0;
  let bytes = 0;
  const open: typeof folder.open = async (file) => {
    const inner = await folder.open(file);
    if (!file.endsWith(".safetensors")) return inner;
    return {
      ...inner,
      read: async (offset, length) => {
        if (reads++ >= failAfter) throw new UnmaskError("download-failed", "The network is gone.");
        bytes += length;
        return inner.read(offset, length);
      },
    };
  };
  await convertCheckpoint(
    { ...folder, open, ...(remote === true && { remote }) },
    (key) => nodeTarget(join(scratch, name), key),
    { dtypes: ["q4"], name, ...(mask !== undefined && { mask }), warn: () => {}, progress: () => {} },
  );
  return bytes;
}

async function leftovers(name: string): Promise<string[]> {
  return (await readdir(scratch)).filter((entry) => entry.startsWith(`.${name}.partial`));
}

test("a source far away that fails is gone on with behind the last finished tensor, to the same bytes", async () => {
  const all = await convert("far", { remote: true });
  await expect(convert("cut", { remote: true, failAfter: 12 })).rejects.toMatchObject({
    code: "download-failed",
    message: expect.stringContaining("goes on from there"),
  });
  expect(await readdir(scratch)).not.toContain("cut");
  const rest = await convert("cut", { remote: true });
  expect(rest).toBeLessThan(all / 2);
  expect(await hashOf("cut")).toBe(whole);
  expect(await readdir(join(scratch, "cut"))).not.toContain("journal");
  expect(await leftovers("cut")).toEqual([]);
});

test("a source at hand that fails leaves nothing, nor the folders made for it", async () => {
  await expect(convert("deep/er/out", { failAfter: 12 })).rejects.toMatchObject({ code: "download-failed" });
  expect(await readdir(scratch)).not.toContain("deep");
});

test("a journal is a claim: damage behind it costs the damaged tensors, other options all of them", async () => {
  const cut = () => convert("claim", { remote: true, failAfter: 14 }).catch(() => {});
  await cut();
  const data = join(scratch, ".claim.partial", DATA);
  const bytes = await readFile(data);
  bytes[bytes.length - 70_000]! ^= 1;
  await writeFile(data, bytes);
  await appendFile(join(scratch, ".claim.partial/journal"), '{"kind":"pie');
  await convert("claim", { remote: true });
  expect(await hashOf("claim")).toBe(whole);
  await cut();
  const fresh = await convert("claim", { remote: true, mask: 300 });
  expect(fresh).toBe(await convert("far", { remote: true }));
});

test("two conversions cannot write the same bundle at a time", async () => {
  const target = await nodeTarget(join(scratch, "twice"), "key");
  await target.note("{}");
  await expect(nodeTarget(join(scratch, "twice"), "key")).rejects.toMatchObject({ code: "busy" });
  await target.leave();
  const again = await nodeTarget(join(scratch, "twice"), "key");
  expect(again.journal).toEqual(["{}"]);
  await again.discard();
  expect(await leftovers("twice")).toEqual([]);
});

test("a killed command goes on from a slow hub where it stopped", async () => {
  const names = ["config.json", "tokenizer.json", "model.safetensors"];
  const files = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, new Uint8Array(await readFile(join(source, name)))] as const),
    ),
  );
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  let isSlow = true;
  await using hub = await hubServer(files, ({ kind, count }: HubRequest): HubFault | undefined => {
    if (!isSlow || kind !== "cdn" || count < 5) return undefined;
    reach();
    return { kind: "drip" };
  });
  const out = join(scratch, "killed");
  const command = [
    join(ROOT, "src/cli/main.ts"),
    "convert",
    "owner/model",
    "--hub",
    hub.url,
    "--dtype",
    "q4",
  ];
  const tsx = join(ROOT, "node_modules/tsx/dist/esm/index.mjs");
  const start = () =>
    spawn(process.execPath, ["--import", tsx, ...command, "--out", out, "--json"], {
      cwd: scratch,
      stdio: ["ignore", "ignore", "inherit"],
    });
  const ended = (child: ReturnType<typeof start>) =>
    new Promise<number | null>((resolve) => child.on("close", resolve));
  const first = start();
  const end = ended(first);
  await reached;
  first.kill("SIGKILL");
  await end;
  expect(await leftovers("killed")).toHaveLength(1);
  isSlow = false;
  const before = hub.log.length;
  expect(await ended(start())).toBe(0);
  expect(await hashOf("killed")).toBe(whole);
  expect(await leftovers("killed")).toEqual([]);
  const largest = (lines: string[]) =>
    lines.map((line) => line.split(" ")[2]?.split("-") ?? []).map(([from, to]) => Number(to) - Number(from));
  const table = 2 * SMALL.vocab * SMALL.hidden;
  expect(largest(hub.log.slice(0, before)).some((bytes) => bytes + 1 === table)).toBe(true);
  expect(largest(hub.log.slice(before)).some((bytes) => bytes + 1 === table)).toBe(false);
}, 300_000);

test("progress tells the time left by the rate of this run", () => {
  let now = 0;
  const meter = createMeter(400e6, 100e6, () => now);
  expect(meter(100e6)).toBe("25 % of 400 MB");
  now = 10_000;
  expect(meter(200e6)).toBe("50 % of 400 MB, 20 s left");
  now = 3_600_000;
  expect(meter(150e6)).toBe("37 % of 400 MB, 5.0 h left");
  expect(meter(400e6)).toBe("100 % of 400 MB");
});
