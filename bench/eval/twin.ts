import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Manifest } from "../../src/model/manifest.ts";
import type { OrtModule } from "../../src/runtime/ort/ort.ts";
import type { Skip } from "./part.ts";

/** The autoregressive twin of a model as a judge of texts: same tokens, and it says how probable each one is. */
export interface Twin extends AsyncDisposable {
  readonly folder: string;
  /** `-ln p` of `ids[first..]`, each given all before it, summed. `first` is at least 1. */
  nats(ids: readonly number[], first: number): Promise<number>;
}

/** Where `npm run eval` looks unless told otherwise. */
export const TWIN_FOLDER = fileURLToPath(new URL("../../public/models/ar", import.meta.url));
/** Its graph with its weights. */
export const TWIN_FILE = "onnx/model_quantized.onnx";

/**
 * Opens a folder in the layout of transformers.js, as `unmask convert --as transformers-js` writes it.
 *
 * @param files of the bundle whose texts are judged: both must have the same tokenizer
 */
export async function openTwin(
  folder: string,
  files: Manifest["files"],
  ort: OrtModule,
): Promise<Twin | Skip> {
  const read = (name: string) => readFile(join(folder, name)).catch(() => undefined);
  const [tokenizer, graph] = [await read("tokenizer.json"), await read(TWIN_FILE)];
  if (tokenizer === undefined || graph === undefined) {
    return {
      skipped: `perplexity under an autoregressive twin: ${folder} has none (--companion names its folder)`,
    };
  }
  const hash = createHash("sha256").update(tokenizer).digest("hex");
  if (files.find(({ path }) => path === "tokenizer.json")?.sha256 !== hash) {
    return { skipped: `perplexity under an autoregressive twin: the tokenizer of ${folder} is another one` };
  }
  const session = await ort.InferenceSession.create(new Uint8Array(graph), {});
  const caches = session.inputNames.filter((name) => name.startsWith("past_key_values."));
  const shapes = new Map(
    session.inputMetadata.flatMap((meta) => (meta.isTensor ? [[meta.name, meta.shape] as const] : [])),
  );
  const longs = (values: readonly number[]) =>
    new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  const empty = (name: string) => {
    const dims = (shapes.get(name) ?? []).map((dim) => (typeof dim === "number" ? dim : 0));
    return new ort.Tensor("float32", new Float32Array(0), dims);
  };
  return {
    folder,
    async nats(ids, first) {
      const seen = ids.slice(0, -1);
      const out = await session.run({
        input_ids: longs(seen),
        attention_mask: longs(seen.map(() => 1)),
        position_ids: longs(seen.map((_, row) => row)),
        ...Object.fromEntries(caches.map((name) => [name, empty(name)])),
      });
      const logits = out["logits"]!;
      const vocab = logits.dims[2]!;
      return sumNats(logits.data as Float32Array, vocab, ids, first); // f32 by the graph's declaration
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

/** @param logits `[rows, vocab]`; row i predicts `ids[i + 1]` */
export function sumNats(logits: Float32Array, vocab: number, ids: readonly number[], first: number): number {
  let sum = 0;
  for (let at = first; at < ids.length; at++) {
    const row = logits.subarray((at - 1) * vocab, at * vocab);
    const largest = row.reduce((a, b) => Math.max(a, b));
    const total = row.reduce((all, value) => all + Math.exp(value - largest), 0);
    sum += largest + Math.log(total) - row[ids[at]!]!;
  }
  return sum;
}
