import { basename, resolve } from "node:path";
import { type ConvertOptions, convertCheckpoint, parseDtypes } from "../convert/convert.ts";
import { importLogitsModel } from "../convert/import-logits.ts";
import { nodeExport, nodeFolder } from "../convert/node-folder.ts";
import { nodeTarget } from "../convert/node-target.ts";
import { UnmaskError } from "../core/errors.ts";
import type { Command, OptionValues } from "./command.ts";

/** `unmask convert`: checkpoint folder to bundle. */
export const convertCommand: Command = {
  name: "convert",
  summary:
    "convert a checkpoint folder (safetensors, config.json, tokenizer.json) to a bundle; families: Tiny-A2D, SDAR, Dream, Fast-dLLM v2, open-dcoder, LLaDA (dense), ModernBERT, MDLM, BD3-LM; or take over an ONNX export that gives logits (--dtype picks its graph)",
  usage: "SRC --out DIR [--dtype LIST] [--profile NAME] [--mask ID]",
  options: {
    out: { type: "string" },
    dtype: { type: "string" },
    profile: { type: "string" },
    mask: { type: "string" },
  },
  help: {
    out: "folder of the bundle; an existing bundle is replaced, anything else is left alone",
    dtype: "variants, comma-separated, of f32, f16, q8, q4, int8 (default q4,int8)",
    profile:
      "how the model was trained, where config.json does not tell: mdlm (full attention), bd3lm (blocks of 32) or open-dcoder (full, shifted logits); known repository names say it themselves",
    mask: "id of the mask token, when neither config.json nor tokenizer.json names it",
  },
  async run(positionals, values, io) {
    const [src, ...rest] = positionals;
    const out = text(values, "out");
    if (src === undefined || rest.length > 0 || out === undefined) {
      throw new UnmaskError("usage", "convert takes a folder and --out: unmask convert SRC --out DIR");
    }
    if (src.trim() === "" || out.trim() === "")
      throw new UnmaskError("usage", "convert needs two folder names.");
    const dtypes = parseDtypes(text(values, "dtype") ?? "q4,int8");
    const profile = text(values, "profile");
    const mask = maskId(text(values, "mask"));
    const started = performance.now();
    const throwIfStopped = () => {
      if (io.signal.aborted)
        throw new UnmaskError("aborted", "The conversion was stopped; nothing was written.");
    };
    const folder = nodeFolder(resolve(src));
    const graphs = await nodeExport(resolve(src));
    const options: ConvertOptions = {
      dtypes,
      ...(profile !== undefined && { profile }),
      ...(mask !== undefined && { mask }),
      name: basename(resolve(src)),
      warn: io.warn,
      progress: (step) => {
        throwIfStopped();
        io.status(step);
      },
    };
    const target = () => nodeTarget(out);
    const manifest =
      graphs === undefined
        ? await convertCheckpoint(folder, target, options)
        : await importLogitsModel(folder, graphs, target, options);
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
