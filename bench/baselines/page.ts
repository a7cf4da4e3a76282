import { openCompanion } from "../../src/companion/open-companion.ts";
import type { Companion } from "../../src/core/companion.ts";
import type { GenerateEvent } from "../../src/core/events.ts";
import { buildPrompt } from "../../src/engine/ask/prompt.ts";
import { runJob } from "../../src/engine/run/run-job.ts";
import { deriveInt8 } from "../../src/model/derive-int8.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import { readManifest } from "../../src/runtime/open/bundle.ts";
import { type LoadedModel, loadModel } from "../../src/runtime/open/load-model.ts";
import type { OrtModule } from "../../src/runtime/ort/ort.ts";
import type { Platform } from "../../src/runtime/platform/platform.ts";
import { browserPlatform } from "../../src/runtime/platform/platform-browser.ts";
import { lengthIn } from "./length.ts";
import { naiveLoop } from "./naive.ts";

/**
 * The page's side of `unmask bench baselines`: naive loop, engine and autoregressive twin over one onnxruntime with the same
 * threads, all on the page's thread, each with a session of its own.
 */
const RUNTIME = new URL("ort/", document.baseURI).href;
const MODEL = new URL("models/default/", document.baseURI).href;
const LONGER = new URL("models/longer/", document.baseURI).href;
const RANDOM = new URL("models/random/", document.baseURI).href;
const TWIN = new URL("models/ar/", document.baseURI).href;

interface Answer {
  readonly ms: number;
  readonly forwards: number;
  readonly rows: number;
  /** Behind the prompt. */
  readonly cells: number;
  /** Tokens of the response, without end and padding. */
  readonly tokens: number;
  readonly text: string;
}

let model: LoadedModel | undefined;
let forwardAll: ((ids: Int32Array) => Promise<Float32Array>) | undefined;
let twin: Companion | undefined;

/** Opens everything and says on what. */
export async function open(withTwin: boolean): Promise<{ reason: string; threads: number; vocab: number }> {
  const platform = browserPlatform();
  const { info } = await openModel(platform, MODEL);
  if (withTwin) {
    twin = (await openCompanion({ model: TWIN, runtimeUrl: RUNTIME, threads: info.threads })).companion;
  }
  return { reason: info.reason, threads: info.threads, vocab: info.vocab };
}

/**
 * In the model's place the same with a longer canvas than it was trained for, as far as a recipe computes no more rows at
 * once; and for the naive loop, which computes all, a model of random weights of its shape.
 */
export async function openLonger(): Promise<void> {
  const platform = browserPlatform();
  await model!.denoiser.dispose();
  await openModel(platform, LONGER);
  const random = await readManifest(platform.openSource(RANDOM), new AbortController().signal);
  forwardAll = await rawForward(random, RANDOM, await platform.loadOrt("wasm", RUNTIME));
}

async function openModel(platform: Platform, address: string): Promise<LoadedModel> {
  const options = { backend: "wasm", runtimeUrl: RUNTIME, variant: "int8" } as const;
  model = await loadModel(platform, address, options, () => {}, new AbortController().signal);
  forwardAll = await rawForward(model.manifest, address, await platform.loadOrt("wasm", RUNTIME));
  return model;
}

/** The bundle's own graph and weights, without the engine: a whole canvas in, all logits out. */
async function rawForward(manifest: Manifest, address: string, ort: OrtModule) {
  const { graph, from, derive } = manifest.variants["int8"]!;
  const bytes = async (path: string) => new Uint8Array(await (await fetch(address + path)).arrayBuffer());
  const base = manifest.variants[from!]!.data[0]!;
  const data = { path: derive!.location.replace(/^.*\//, ""), data: deriveInt8(await bytes(base), derive!) };
  const session = await ort.InferenceSession.create(await bytes(graph), {
    executionProviders: ["wasm"],
    externalData: [data],
  });
  const caches = session.inputNames.filter((name) => name.startsWith("past"));
  const none = new ort.Tensor("float32", new Float32Array(0), [1, 0, manifest.kvWidth]);
  const longs = (values: ArrayLike<number>, dims: number[]) =>
    new ort.Tensor("int64", BigInt64Array.from(Array.from(values), BigInt), dims);
  return async (ids: Int32Array): Promise<Float32Array> => {
    const rows = Array.from(ids.keys());
    const feeds = {
      input_ids: longs(ids, [1, ids.length]),
      position_ids: longs(rows, [1, ids.length]),
      logit_indices: longs(rows, [ids.length]),
      ...Object.fromEntries(caches.map((name) => [name, none])),
    };
    const out = await session.run(feeds, ["logits"]);
    return out["logits"]!.data as Float32Array;
  };
}

function taskMode({ modes }: LoadedModel["manifest"]): { readonly mode?: string } {
  return Object.hasOwn(modes, "task") ? { mode: "task" } : {};
}

function promptIds(prompt: string): readonly number[] {
  const { tokenizer, manifest } = model!;
  return buildPrompt({ kind: "generate", prompt, options: taskMode(manifest) }, tokenizer, manifest).ids;
}

/** The naive loop over a canvas of `canvas` cells, every one of which it fills unless it is to stop after some blocks. */
export async function naive(
  prompt: string,
  canvas: number,
  block: number,
  threshold: number | null,
  blocks: number | null,
): Promise<Answer> {
  const { manifest, tokenizer } = model!;
  const { mask, suppress = [], eos, pad } = manifest.tokens;
  const ids = promptIds(prompt);
  const began = performance.now();
  const result = await naiveLoop(forwardAll!, ids, canvas - ids.length, {
    maskId: mask,
    block,
    vocab: manifest.vocab,
    suppress: [mask, ...suppress],
    ...(threshold === null ? {} : { threshold }),
    ...(blocks === null ? {} : { blocks }),
  });
  const ms = performance.now() - began;
  const written = Array.from(result.ids.subarray(ids.length));
  const end = written.findIndex((id) => eos.includes(id));
  const kept = (end < 0 ? written : written.slice(0, end)).filter((id) => id !== pad);
  const { forwards } = result;
  const [rows, cells] = [forwards * canvas, canvas - ids.length];
  return { ms, forwards, rows, cells, tokens: kept.length, text: tokenizer.decode(kept) };
}

/** The engine over the same canvas, alone or with the twin reading along. */
export async function engine(
  prompt: string,
  canvas: number,
  recipe: Readonly<Record<string, unknown>>,
  guided: boolean,
): Promise<Answer> {
  const { manifest } = model!;
  const cells = canvas - promptIds(prompt).length;
  const options = { ...taskMode(manifest), recipe, ...lengthIn(recipe, cells) };
  const control = { stop: () => false, ...(guided ? { companion: twin! } : {}) };
  let done: Extract<GenerateEvent, { type: "done" }> | undefined;
  const began = performance.now();
  for await (const event of runJob({ kind: "generate", prompt, options }, model!, control)) {
    if (event.type === "done") done = event;
  }
  const ms = performance.now() - began;
  const { nfe = 0, rows = 0, effectiveTokens = 0, text = "" } = done ?? {};
  return { ms, forwards: nfe, rows, cells, tokens: effectiveTokens, text };
}

/** The autoregressive twin, greedily, up to its end of text or the end of the canvas. */
export async function autoregressive(prompt: string, canvas: number): Promise<Answer> {
  const ids = Int32Array.from(promptIds(prompt));
  const began = performance.now();
  const cells = canvas - ids.length;
  const written = await twin!({ kind: "continue", ids, count: cells });
  const ms = performance.now() - began;
  const forwards = Math.min(cells, written.length + 1);
  const text = model!.tokenizer.decode(written);
  return { ms, forwards, rows: ids.length + forwards - 1, cells, tokens: written.length, text };
}
