import { type ByteSource, type CheckpointFolder, memorySource } from "../convert/checkpoint/byte-source.ts";
import { SHARD_INDEX, SHARD_NAME } from "../convert/checkpoint/checkpoint.ts";
import { isUnmaskError, UnmaskError } from "../core/errors.ts";
import { type HttpOptions, httpFile } from "./http-file.ts";

/** What a checkpoint or bundle folder may hold. A plain web server lists nothing, so these are asked for one by one. */
const KNOWN = [
  "config.json",
  SHARD_INDEX,
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "unmask.bundle.json",
  "unmask.json",
];
/** Graphs of an export by the names that transformers.js knows, and by those of the exports that are published. */
const KNOWN_GRAPHS = [
  "model.onnx",
  ...["q4", "q4f16", "q4f16_rtn_sym", "fp16", "fp16_fused", "quantized", "int8", "uint8", "bnb4"].map(
    (dtype) => `model_${dtype}.onnx`,
  ),
];
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
const MAX_INDEX_BYTES = 64_000_000;

/**
 * A checkpoint folder on a plain web server, or one of an export, with its graphs in `onnx`.
 *
 * @param base its address, ending with a slash
 * @param graph path below it of the one ONNX graph that is meant
 */
export function urlFolder(base: string, options: HttpOptions, graph?: string): CheckpointFolder {
  const [inside, name] = /^onnx\/(.+)$/.exec(graph ?? "") ?? [];
  const top = inside === undefined && graph !== undefined ? [...KNOWN, graph] : KNOWN;
  const graphs = name === undefined ? KNOWN_GRAPHS : [name];
  return {
    ...folderOf(base, top, options),
    inner: async (folder) =>
      folder === "onnx" ? folderOf(new URL("onnx/", base).href, graphs, options) : undefined,
  };
}

/** @param known names that are asked for to find out what is there */
function folderOf(base: string, known: readonly string[], options: HttpOptions): CheckpointFolder {
  const opened = new Map<string, Promise<ByteSource>>();
  const open = (name: string): Promise<ByteSource> => {
    if (!FILE_NAME.test(name)) {
      const message = `${JSON.stringify(name)} is not a file of ${base}.`;
      return Promise.reject(new UnmaskError("checkpoint-invalid", message));
    }
    const source = opened.get(name) ?? openFile(new URL(name, base).href, options);
    opened.set(name, source);
    return source;
  };
  let found: Promise<string[]> | undefined;
  return {
    name: base,
    remote: true,
    open,
    names: () => {
      found ??= findNames(known, open);
      return found;
    },
  };
}

/** Small files are asked for once: they are read several times and are their own listing. */
async function openFile(url: string, options: HttpOptions): Promise<ByteSource> {
  const file = await httpFile(url, options);
  if (file.size > 1_000_000) return file;
  const bytes = await file.read(0, file.size);
  return { ...memorySource(bytes), version: file.version ?? String(bytes.length) };
}

async function findNames(
  known: readonly string[],
  open: (name: string) => Promise<ByteSource>,
): Promise<string[]> {
  const answers = await Promise.all(
    known.map((name) =>
      open(name).then(
        () => name,
        (error: unknown) => {
          if (isUnmaskError(error) && error.code === "not-found") return undefined;
          throw error;
        },
      ),
    ),
  );
  const names = answers.filter((name) => name !== undefined);
  return names.includes(SHARD_INDEX) ? [...names, ...(await shardNames(await open(SHARD_INDEX)))] : names;
}

/** The shards that the index names; whether they are there shows when they are opened. */
async function shardNames(index: ByteSource): Promise<string[]> {
  if (index.size > MAX_INDEX_BYTES) return [];
  try {
    const text = new TextDecoder().decode(await index.read(0, index.size));
    const { weight_map } = JSON.parse(text) as { weight_map?: unknown };
    if (typeof weight_map !== "object" || weight_map === null) return [];
    return [...new Set(Object.values(weight_map))].filter(
      (name) => typeof name === "string" && SHARD_NAME.test(name),
    );
  } catch (error) {
    // Opening the checkpoint says what is wrong with its index.
    if (error instanceof SyntaxError || error instanceof TypeError) return [];
    throw error;
  }
}
