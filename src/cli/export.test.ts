import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cachedGraph, exportFiles } from "../convert/exports/tiny-export.ts";
import { openNodeEngine } from "../runtime/host/node-engine.ts";
import { faultServer } from "../runtime/store/fault-server.ts";
import { hubServer } from "../sources/hub-server.ts";
import { convertCommand } from "./convert.ts";
import { inspectCommand } from "./inspect.ts";
import { QUIET_IO } from "./io/quiet-io.ts";

/** ONNX exports by every way a command line can name them. */
let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-cli-export-"));
  for (const [path, bytes] of Object.entries(await exportFiles("additive"))) {
    const place = join(scratch, "export", path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, bytes);
  }
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const out = () => join(scratch, "out");
const convert = (src: string, more: Record<string, string> = {}) =>
  convertCommand.run([src], { out: out(), ...more }, QUIET_IO);
const inspect = (src: string, more: Record<string, string> = {}) => inspectCommand.run([src], more, QUIET_IO);
const FOUND = { kind: "export", runnable: true, mask: 341, graphs: [{ dtype: "q4", masked: true }] };

async function expectsText(): Promise<void> {
  const engine = await openNodeEngine({ model: out(), variant: "q4" });
  try {
    let last = "";
    for await (const event of engine.generate("a b", { maxNewTokens: 4 })) last = event.type;
    expect(last).toBe("done");
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}

test("a folder, or the graph in it", async () => {
  expect((await inspect(join(scratch, "export"))).json).toMatchObject(FOUND);
  const graph = join(scratch, "export/onnx/model_q4f16.onnx");
  expect((await inspect(graph)).json).toMatchObject(FOUND);
  expect((await convert(graph)).json).toMatchObject({ family: "logits-only", variants: ["q4"] });
  await expectsText();
});

test("a repository of the hub, at the commit that it had", async () => {
  await using hub = await hubServer(await exportFiles("additive"));
  expect((await inspect(hub.repo, { hub: hub.url })).json).toMatchObject({
    ...FOUND,
    location: `owner/model@${hub.commit}`,
  });
  await convert(hub.repo, { hub: hub.url });
  const manifest = JSON.parse(await readFile(join(out(), "unmask.json"), "utf8"));
  expect(manifest.source).toBe(`owner/model@${hub.commit}`);
  expect(hub.log.filter((line) => line.startsWith("cdn onnx/model_q4f16.onnx.data")).length).toBeGreaterThan(
    0,
  );
  await expectsText();
});

test("an address of a folder, or of a graph by a name that nobody would guess", async () => {
  await using server = await faultServer(join(scratch, "export"), () => undefined);
  expect((await inspect(server.url)).json).toMatchObject({ kind: "export", runnable: true });
  await convert(`${server.url}onnx/model_q4f16.onnx`);
  await expectsText();
});

test("an autoregressive export is a finding to inspect and an error to convert, and leaves nothing", async () => {
  const files = { "config.json": new TextEncoder().encode("{}"), "onnx/model.onnx": cachedGraph() };
  await using hub = await hubServer(files);
  expect((await inspect(hub.repo, { hub: hub.url })).json).toMatchObject({
    kind: "export",
    runnable: false,
    reason: expect.stringMatching(/past_key_values.0.key: it is an autoregressive export/),
  });
  await rm(out(), { recursive: true, force: true });
  await expect(convert(hub.repo, { hub: hub.url })).rejects.toMatchObject({ code: "checkpoint-unsupported" });
  await expect(readFile(join(out(), "unmask.json"))).rejects.toThrow();
});
