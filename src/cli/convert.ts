import { convertCheckpoint } from "../convert/convert.ts";
import type { ConvertOptions } from "../convert/convert-options.ts";
import { parseDtypes } from "../convert/dtype.ts";
import { exportCausal, parseCausalDtypes } from "../convert/export-causal.ts";
import { findExport } from "../convert/exports/find-export.ts";
import { importLogitsModel } from "../convert/exports/import-logits.ts";
import { parseQ4Extras } from "../convert/q4-recipe.ts";
import { nodeTarget } from "../convert/target/node-target.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Command, CommandIo, CommandOutcome, OptionValues } from "./command.ts";
import { HUB_HELP, HUB_OPTION, openCliSource } from "./io/source.ts";

/** `unmask convert`: checkpoint to bundle. */
export const convertCommand: Command = {
  name: "convert",
  summary:
    "convert a checkpoint (safetensors, config.json, tokenizer.json) to a bundle; families: Tiny-A2D, SDAR, Dream, Fast-dLLM v2, open-dcoder, LLaDA (dense), ModernBERT, MDLM, BD3-LM; or take over an ONNX export that gives logits (--dtype picks its graph); or export an autoregressive model (Qwen 2 and 3) for transformers.js",
  usage:
    "DIR|FILE|URL|OWNER/NAME[@REVISION] --out DIR [--dtype LIST] [--q4 LIST] [--profile NAME] [--mask ID] [--as transformers-js]",
  options: {
    out: { type: "string" },
    as: { type: "string" },
    dtype: { type: "string" },
    q4: { type: "string" },
    profile: { type: "string" },
    mask: { type: "string" },
    ...HUB_OPTION,
  },
  help: {
    out: "folder of the bundle; an existing bundle is replaced, anything else is left alone",
    as: "layout of the result: bundle (default), or transformers-js: config.json, tokenizer and onnx/model_quantized.onnx",
    dtype:
      "variants, comma-separated, of f32, f16, q8, q4, q8f16, q4f16, int8 (default q4,q4f16,int8): q4f16 and q8f16 are small graphs over the weights of q4 and q8 for GPUs that compute in f16; for transformers-js of f32, q8, q4 (default q8)",
    q4: "what q4 does beyond symmetric blocks: asymmetric (zero points), mixed (8 bits for values and down projections of the first and last eighth of the layers)",
    profile:
      "how the model was trained, where config.json does not tell: mdlm (full attention), bd3lm (blocks of 32) or open-dcoder (full, shifted logits); known repository names say it themselves",
    mask: "id of the mask token, when neither config.json nor tokenizer.json names it",
    ...HUB_HELP,
  },
  async run(positionals, values, io) {
    const [src, ...rest] = positionals;
    const out = text(values, "out");
    if (src === undefined || rest.length > 0 || out === undefined) {
      throw new UnmaskError("usage", "convert takes one source and --out: unmask convert SRC --out DIR");
    }
    if (src.trim() === "" || out.trim() === "")
      throw new UnmaskError("usage", "convert needs a source and the name of a folder.");
    const layout = text(values, "as") ?? "bundle";
    if (layout === "transformers-js") return runExport(src, out, values, io);
    if (layout !== "bundle") {
      throw new UnmaskError(
        "invalid-options",
        `--as is bundle or transformers-js, not "${layout.slice(0, 40)}".`,
      );
    }
    const dtypes = parseDtypes(text(values, "dtype") ?? "q4,q4f16,int8");
    const q4 = text(values, "q4");
    const mask = maskId(text(values, "mask"));
    const started = performance.now();
    const throwIfStopped = stopper(io);
    await using source = await openCliSource(src, values, io);
    const { folder } = source;
    const profile = text(values, "profile");
    const graphs = await findExport(folder);
    const options: ConvertOptions = {
      dtypes,
      ...(q4 !== undefined && { q4: parseQ4Extras(q4) }),
      ...(profile !== undefined && { profile }),
      ...(mask !== undefined && { mask }),
      name: source.label,
      ...(source.kind !== "folder" && { source: source.location }),
      warn: io.warn,
      progress: (step) => {
        throwIfStopped();
        io.status(step);
      },
    };
    const target = (key?: string) => nodeTarget(out, key);
    const manifest =
      graphs === undefined
        ? await convertCheckpoint(folder, target, options)
        : await importLogitsModel(folder, graphs, target, {
            ...options,
            loadOrt: () => import("onnxruntime-web"),
          });
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    const variants = Object.keys(manifest.variants);
    const ms = Math.round(performance.now() - started);
    io.print(
      `${out}: ${manifest.name}, ${variants.join(" and ")}, ${(bytes / 1e6).toFixed(1)} MB in ${ms} ms`,
    );
    const { name, family, attention } = manifest;
    return { json: { out, name, family, attention, variants, bytes, files: manifest.files.length, ms } };
  },
};

/** An autoregressive model in the layout of transformers.js. */
async function runExport(
  src: string,
  out: string,
  values: OptionValues,
  io: CommandIo,
): Promise<CommandOutcome> {
  const strange = ["profile", "mask"].find((name) => values[name] !== undefined);
  if (strange !== undefined) {
    throw new UnmaskError("invalid-options", `--${strange} does not apply to --as transformers-js.`);
  }
  const dtypes = parseCausalDtypes(text(values, "dtype") ?? "q8");
  const started = performance.now();
  const throwIfStopped = stopper(io);
  await using source = await openCliSource(src, values, io);
  const { family, files } = await exportCausal(source.folder, () => nodeTarget(out), {
    dtypes,
    progress: (step) => {
      throwIfStopped();
      io.status(step);
    },
  });
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const ms = Math.round(performance.now() - started);
  io.print(
    `${out}: ${family} for transformers.js, ${dtypes.join(" and ")}, ${(bytes / 1e6).toFixed(1)} MB in ${ms} ms`,
  );
  return {
    json: { out, layout: "transformers-js", family, variants: dtypes, bytes, files: files.length, ms },
  };
}

function stopper({ signal }: Pick<CommandIo, "signal">): () => void {
  return () => {
    if (signal.aborted) throw new UnmaskError("aborted", "The conversion was stopped.");
  };
}

function text(values: OptionValues, key: string): string | undefined {
  const value = values[key];
  return typeof value === "string" ? value : undefined;
}

function maskId(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,7}$/.test(value))
    throw new UnmaskError("invalid-options", `--mask is "${value}", not a token id.`);
  return Number(value);
}
