import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../convert/convert.ts";
import { nodeTarget } from "../../convert/target/node-target.ts";
import type { Manifest } from "../../model/manifest.ts";
import { openNodeEngine } from "../host/node-engine.ts";
import * as ort from "../ort/ort-node.ts";
import { folderSource } from "../store/folder-source.ts";
import { type OpenVariant, openFirst } from "./open-variant.ts";
import { startRuntime } from "./start-runtime.ts";

/** The f16 graph on WASM, which computes in f16 as a GPU does, only slower. */
const CHECKPOINT = fileURLToPath(new URL("../../convert/fixtures/a2d-qwen3-mdlm", import.meta.url));
const BACKEND = { kind: "wasm", half: true, threads: 1, reason: "for a test" } as const;
let bundle = "";
let manifest: Manifest;

beforeAll(async () => {
  bundle = join(await mkdtemp(join(tmpdir(), "unmask-f16-")), "bundle");
  manifest = await convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(bundle), {
    dtypes: ["q4f16"],
    name: "tiny",
    warn: () => {},
    progress: () => {},
  });
});
afterAll(() => rm(join(bundle, ".."), { recursive: true, force: true }));

async function open(golden: Manifest["golden"], variants: readonly [string, ...string[]]) {
  const warnings: string[] = [];
  const opened: OpenVariant = await openFirst(
    variants,
    {
      source: folderSource(bundle),
      store: undefined,
      signal: new AbortController().signal,
      report: () => {},
      warn: (code) => void warnings.push(code),
      manifest: { ...manifest, golden },
      backend: BACKEND,
      ort: startRuntime(ort, BACKEND),
      lost: undefined,
      faults: undefined,
    },
    new Map(),
  );
  opened.rows.dispose();
  await opened.session.release();
  return { variant: opened.variant, test: opened.test, warnings };
}

/** The golden forward with a first logit that no device computes. */
function spoilt(variant: string): Manifest["golden"] {
  const golden = structuredClone(manifest.golden);
  golden.byVariant[variant]!.topLogits[0]![0]! += 50;
  return golden;
}

test("f16 passes the golden forward of the exact graph, by the tolerance of f16", async () => {
  expect(Object.keys(manifest.variants)).toEqual(["q4", "q4f16"]);
  const { variant, test: result, warnings } = await open(manifest.golden, ["q4f16", "q4"]);
  expect({ variant, warnings }).toEqual({ variant: "q4f16", warnings: [] });
  expect(result!.maxError).toBeGreaterThan(manifest.golden.byVariant["q4"]!.tolerance / 100);
  expect(result!.maxError).toBeLessThan(result!.tolerance);
});

test("f16 that comes out wrong gives way to the exact graph, and says so", async () => {
  const found = await open(spoilt("q4f16"), ["q4f16", "q4"]);
  expect(found).toMatchObject({ variant: "q4", warnings: ["f16-refused"] });
  await expect(open(spoilt("q4f16"), ["q4f16"])).rejects.toMatchObject({ code: "golden-mismatch" });
  await expect(open(spoilt("q4"), ["q4"])).rejects.toMatchObject({ code: "golden-mismatch" });
});

test("a text is written in f16, with and without cached keys", async () => {
  await using engine = await openNodeEngine({ model: bundle, variant: "q4f16", threads: 1 });
  expect(engine.info).toMatchObject({ variant: "q4f16", warnings: [] });
  for (const cache of ["none", "dual"]) {
    const recipe = { preset: "llada", block: 4, cache };
    let tokens = 0;
    for await (const event of engine.generate("a b", { maxNewTokens: 8, recipe })) {
      if (event.type === "done") tokens = event.tokens.length;
    }
    expect(tokens).toBe(8);
  }
});
