import { UnmaskError } from "../core/errors.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import { checkFinite, readFloats, readSafetensors } from "./checkpoint/safetensors.ts";
import { describeModel, planModel } from "./families/index.ts";
import { readShard } from "./graph/graph.ts";
import { type GraphHost, wasmHost } from "./graph/graph-host.ts";
import { type GraphRunner, openGraph } from "./graph/run-graph.ts";
import { compareLogits } from "./reference/compare-logits.ts";
import { attentionBias, type Golden, isMasked, readInput, rotaryRows } from "./reference/golden-inputs.ts";
import { type ReferenceWeights, referenceForward, wholeMatrices } from "./reference/reference.ts";
import type { Transformer } from "./transformer/transformer.ts";
import { transformerGraph } from "./transformer/transformer-graph.ts";
import { PACKED_FILE, verifyPacked } from "./verify-packed.ts";
import { dequantize, quantize, type ScaleType } from "./weights/quantize.ts";
import type { WeightStyle } from "./weights/weights.ts";
import { blockStyle } from "./weights/weights-blocks.ts";
import { floatStyle } from "./weights/weights-float.ts";

/** One input at one number format, against the golden file. */
export interface VerifyCase {
  /** `folder/input`, or `folder/matrix` where packed bytes are compared. */
  readonly name: string;
  readonly dtype: "f32" | "f16" | "q8" | "q4";
  /** Of quantised builds: how the golden file stores block scales. */
  readonly scales?: ScaleType;
  /**
   * What the numbers are compared with: the golden logits; this project's float64 forward on the dequantised weights,
   * where the file has no logits of a quantised build; or golden packed bytes and their product.
   */
  readonly against: "golden" | "reference" | "packed";
  /** L2 of the difference over L2 of the golden logits. */
  readonly maxRelError: number;
  readonly argmaxAgreement: number;
  /** Mean KL divergence in nats; gates f16 only. */
  readonly kl: number;
  readonly pass: boolean;
}

/** Gates of ../checkpoints/README.md. */
const GATES = {
  wasm: { f32: 1e-5, f16: 5e-3, q8: 1e-5, q4: 1e-5, kl: 1e-4 },
  // Twice the error is four times the divergence.
  webgpu: { f32: 1e-4, f16: 1e-2, q8: 1e-4, q4: 1e-4, kl: 4e-4 },
} as const;
/** ModernBERT's prediction head and its many norms cost f16 more. */
const F16_FACTOR_MODERNBERT = 2;

/** Where the converted graphs are run. */
export interface VerifyPlace {
  readonly backend: keyof typeof GATES;
  readonly host: GraphHost;
  /** Why f16 cannot be computed there; absent: it can. */
  readonly noHalf?: string;
  /** Of the weights of a checkpoint; larger ones are skipped. */
  readonly maxBytes?: number;
  /** Hears of what is left out, by `folder` or `folder/dtype`. */
  readonly skip?: (name: string, reason: string) => void;
}

interface Build {
  readonly dtype: VerifyCase["dtype"];
  readonly scales?: ScaleType;
  readonly style: WeightStyle;
  /** Golden logits of this build for an input, if the file has them. */
  golden(input: string): string;
}

function builds(): Build[] {
  const quantised = ([4, 8] as const).flatMap((bits) =>
    (["f32", "f16"] as const).map((scales): Build => {
      const dtype = bits === 4 ? "q4" : "q8";
      const style = blockStyle({ bits, scales, recipe: "nearest" });
      return { dtype, scales, style, golden: (input) => `q.${dtype}.s${scales}.${input}.logits` };
    }),
  );
  const floats = (["f32", "f16"] as const).map(
    (dtype): Build => ({ dtype, style: floatStyle(dtype), golden: (input) => `out.${input}.logits` }),
  );
  return [...floats, ...quantised];
}

/**
 * Converts a reference checkpoint in memory by the golden file's own recipe and compares it with the golden logits, and
 * packed bytes with golden ones where the folder has them.
 *
 * @param place onnxruntime-web's WASM when absent
 * @throws UnmaskError `golden-invalid` when the folder has nothing to compare with, and what opening a checkpoint throws.
 */
export async function verifyCheckpoint(
  folder: CheckpointFolder,
  label: string,
  place?: VerifyPlace,
): Promise<VerifyCase[]> {
  const names = await folder.names();
  const where: VerifyPlace = place ?? { backend: "wasm", host: await wasmHost() };
  const { backend, host, noHalf, skip } = where;
  const packedPlace = { host, gate: GATES[backend].q4 };
  const packed = names.includes(PACKED_FILE) ? await verifyPacked(folder, names, label, packedPlace) : [];
  if (packed.length > 0 && !names.includes("config.json")) return packed;
  const checkpoint = await openCheckpoint(folder);
  // The golden file says what attends to what; a profile only stops the question how the model was trained.
  const model = await planModel(checkpoint, describeModel(checkpoint.config, { profile: "mdlm" }));
  const bytes = model.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  if (bytes > (where.maxBytes ?? Number.POSITIVE_INFINITY)) {
    skip?.(label, `its ${bytes} bytes of weights are more than the ${where.maxBytes} that are tried here`);
    return packed;
  }
  await checkFinite(model.tensors);
  if (!names.includes("golden.safetensors")) {
    throw new UnmaskError("golden-invalid", `${folder.name} has no golden.safetensors to compare with.`);
  }
  const golden = await readSafetensors(await folder.open("golden.safetensors"), "golden.safetensors");
  const inputs = [...golden.keys()].flatMap((key) => /^in\.(.+)\.input_ids$/.exec(key)?.[1] ?? []);
  if (inputs.length === 0)
    throw new UnmaskError("golden-invalid", `The golden file of ${folder.name} has no inputs.`);
  const masked = await isMasked(folder, names, golden);
  const positions = await rotaryRows(golden, inputs);
  const cases: VerifyCase[] = [];
  for (const build of builds()) {
    const wanted = inputs.filter((input) => build.scales !== undefined || golden.has(build.golden(input)));
    if (wanted.length === 0) continue;
    if (build.style.activation === "f16" && noHalf !== undefined) {
      skip?.(`${label}/${build.dtype}`, noHalf);
      continue;
    }
    const runner = await openBuild(model, build, masked, positions, where);
    const read = build.scales === undefined ? undefined : dequantised(model, build);
    try {
      for (const input of wanted) {
        cases.push(await verifyInput({ model, golden, build, masked, runner, read, label, backend }, input));
      }
    } finally {
      await runner.dispose();
    }
  }
  return [...cases, ...packed];
}

async function openBuild(
  model: Transformer,
  build: Build,
  masked: boolean,
  positions: number,
  { host }: VerifyPlace,
): Promise<GraphRunner> {
  const { layers, kvHeads, headDim } = model.facts;
  const plan = transformerGraph(model, build.style, { location: "data", masked, positions });
  const data = await Promise.all(
    plan.shards.map(async (shard) => ({ path: shard.location, data: await readShard(shard) })),
  );
  const facts = { layers, kvWidth: kvHeads * headDim, type: build.style.activation };
  return openGraph(plan.model, data, facts, host);
}

/** The weights as the quantised build reads them; each matrix is made once. */
function dequantised(model: Transformer, { dtype, scales }: Build): ReferenceWeights {
  const made = new Map<string, Promise<Float32Array>>();
  return wholeMatrices((matrix) => {
    const { name, n, k } = matrix;
    const isTable = matrix === model.table || matrix === model.head.matrix;
    const bits = dtype === "q8" || isTable ? 8 : 4;
    const weights =
      made.get(name) ??
      matrix
        .load()
        .then((values) => dequantize(quantize(values, n, k, bits, scales ?? "f32", "nearest"), n, k, bits));
    made.set(name, weights);
    return weights;
  });
}

interface Verification {
  readonly model: Transformer;
  readonly golden: Golden;
  readonly build: Build;
  readonly masked: boolean;
  readonly runner: GraphRunner;
  readonly read: ReferenceWeights | undefined;
  readonly label: string;
  readonly backend: VerifyPlace["backend"];
}

async function verifyInput(
  { model, golden, build, masked, runner, read, label, backend }: Verification,
  input: string,
): Promise<VerifyCase> {
  const { vocab, adapter, heads, kvHeads } = model.facts;
  const { allowed, ...facts } = await readInput(golden, input, vocab);
  const { ids, positions } = facts;
  const bias = masked
    ? attentionBias(allowed, ids.length, heads / kvHeads, build.style.activation)
    : undefined;
  const rows = ids.map((_, row) => row);
  const { logits } = await runner.run({ ...facts, rows, ...(bias && { bias }) });
  const stored = golden.get(build.golden(input));
  if (stored === undefined && read === undefined) {
    throw new UnmaskError("golden-invalid", `The golden file has no logits for ${input}.`);
  }
  const expected =
    stored === undefined
      ? Float32Array.from(
          await referenceForward(model, { ...facts, positions, ...(allowed && { allowed }) }, read!),
        )
      : await readFloats(stored);
  if (expected.length !== logits.length) {
    throw new UnmaskError("golden-invalid", `The golden logits of ${input} have the wrong shape.`);
  }
  const { rel, agreement, kl } = compareLogits(logits, expected, vocab);
  const gates = GATES[backend];
  const factor = build.dtype === "f16" && adapter === "modernbert" ? F16_FACTOR_MODERNBERT : 1;
  const pass = rel <= gates[build.dtype] * factor && (build.dtype !== "f16" || kl <= gates.kl);
  return {
    name: `${label}/${input}`,
    dtype: build.dtype,
    ...(build.scales !== undefined && { scales: build.scales }),
    against: stored === undefined ? "reference" : "golden",
    maxRelError: rel,
    argmaxAgreement: agreement,
    kl,
    pass,
  };
}
