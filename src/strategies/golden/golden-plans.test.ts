import { readFileSync } from "node:fs";
import { expect, type Mock, test, vi } from "vitest";
import { GOLDEN_PLANS } from "./golden-plans.ts";
import { replayGolden } from "./replay.ts";

/** Which shipped pieces a replay is put together from, told by who is called meanwhile. */

/** The functions of a module, watched. */
const watched = vi.hoisted(() => async (load: () => Promise<Record<string, unknown>>) => {
  const watch = (piece: unknown): unknown =>
    typeof piece === "function" ? vi.fn(piece as () => void) : piece;
  return Object.fromEntries(Object.entries(await load()).map(([name, piece]) => [name, watch(piece)]));
});

vi.mock("../pieces/selector.ts", watched);
vi.mock("../decoders/adablock.ts", watched);
vi.mock("../decoders/credit.ts", watched);
vi.mock("../decoders/daedal.ts", watched);
vi.mock("../decoders/dream.ts", watched);
vi.mock("../decoders/dynamic-block.ts", watched);
vi.mock("../decoders/entropy-bound.ts", watched);
vi.mock("../decoders/eotp.ts", watched);
vi.mock("../decoders/factor.ts", watched);
vi.mock("../decoders/freedave.ts", watched);
vi.mock("../decoders/hierarchy.ts", watched);
vi.mock("../decoders/klass.ts", watched);
vi.mock("../decoders/learn2pd.ts", watched);
vi.mock("../decoders/overwrite.ts", watched);
vi.mock("../decoders/pc-sampler.ts", watched);
vi.mock("../decoders/prophet.ts", watched);
vi.mock("../decoders/quota-table.ts", watched);
vi.mock("../decoders/remask-ancestral.ts", watched);
vi.mock("../decoders/remask-loop.ts", watched);
vi.mock("../decoders/saber.ts", watched);
vi.mock("../decoders/slowfast.ts", watched);
vi.mock("../decoders/token-edit.ts", watched);
vi.mock("../decoders/wino.ts", watched);

/** By golden decoder: a file of ours and what of it chooses, ranks or revises. */
const PIECES: Readonly<Record<string, readonly (readonly [file: string, piece: string])[]>> = {
  llada: [["pieces/selector", "quotaSelector"]],
  "fastdllm-nocache": [["pieces/selector", "thresholdSelector"]],
  "fastdllm-prefix": [["pieces/selector", "thresholdSelector"]],
  "fastdllm-dual": [["pieces/selector", "thresholdSelector"]],
  mdlm: [["decoders/remask-ancestral", "remaskAncestral"]],
  remdm: [["decoders/remask-ancestral", "remaskAncestral"]],
  svdd: [["decoders/remask-ancestral", "remaskAncestral"]],
  "dllm-llada2": [["decoders/dynamic-block", "dynamicBlockSelector"]],
  "dllm-llada21": [
    ["decoders/dynamic-block", "dynamicBlockSelector"],
    ["decoders/token-edit", "tokenEditReviser"],
  ],
  "dllm-bd3lm": [
    ["decoders/quota-table", "tableSelector"],
    ["decoders/dynamic-block", "blockEosStop"],
  ],
  sdar: [["decoders/dynamic-block", "dynamicBlockSelector"]],
  "dllm-mdlm": [["decoders/quota-table", "tableSelector"]],
  "dllm-dream": [["decoders/dream", "dreamPreset"]],
  freedave: [["decoders/freedave", "freeDave"]],
  "dinfer-threshold": [["pieces/selector", "thresholdSelector"]],
  "dinfer-hierarchy": [["decoders/hierarchy", "hierarchySelector"]],
  "dinfer-credit": [
    ["decoders/credit", "creditSampler"],
    ["pieces/selector", "thresholdSelector"],
  ],
  dparallel: [["decoders/entropy-bound", "entropyThresholdSelector"]],
  "pcsampler-pc": [["decoders/pc-sampler", "positionCalibratedScorer"]],
  "pcsampler-eb": [["decoders/entropy-bound", "entropyBoundSelector"]],
  "pcsampler-factor": [["decoders/factor", "factorSelector"]],
  "pcsampler-margin": [["decoders/dream", "dreamScorer"]],
  "pcsampler-entropy": [["decoders/dream", "dreamScorer"]],
  "pcsampler-remdm": [["decoders/remask-loop", "remaskLoop"]],
  learn2pd: [["decoders/learn2pd", "learn2pdSelector"]],
  "learn2pd-eotp": [
    ["decoders/learn2pd", "learn2pdSelector"],
    ["decoders/eotp", "eotpControl"],
  ],
  prophet: [["decoders/prophet", "prophetStop"]],
  klass: [["decoders/klass", "klassSelector"]],
  slowfast: [["decoders/slowfast", "slowFastSelector"]],
  wino: [["decoders/wino", "wino"]],
  saber: [["decoders/saber", "saber"]],
  rediff: [["decoders/overwrite", "overwriteReviser"]],
  daedal: [["decoders/daedal", "daedal"]],
  "adablock-nocache": [["decoders/adablock", "adaptiveBlocks"]],
  "adablock-prefix": [["decoders/adablock", "adaptiveBlocks"]],
  "adablock-dual": [["decoders/adablock", "adaptiveBlocks"]],
};

test("every decoder that is replayed has its pieces named here", () => {
  expect(Object.keys(PIECES).sort()).toEqual([...Object.keys(GOLDEN_PLANS), "svdd"].sort());
});

test.each(Object.keys(PIECES))("%s is replayed by the pieces that are shipped", async (decoder) => {
  const json: unknown = JSON.parse(
    readFileSync(new URL(`fixtures/${decoder}.json`, import.meta.url), "utf8"),
  );
  const modules = import.meta.glob<Record<string, Mock>>("../{pieces,decoders}/*.ts");
  const pieces = await Promise.all(
    PIECES[decoder]!.map(async ([file, piece]) => (await modules[`../${file}.ts`]!())[piece]!),
  );
  vi.clearAllMocks();
  replayGolden(json);
  for (const piece of pieces) expect(piece).toHaveBeenCalled();
});
