import { UnmaskError } from "../../core/errors.ts";
import type { ByteSource, CheckpointFolder } from "./byte-source.ts";
import { isObject, type JsonObject, own, parseJsonObject } from "./json.ts";
import { readSafetensors, type TensorEntry } from "./safetensors.ts";

/** A checkpoint folder with its headers read and no weight touched. */
export interface Checkpoint {
  readonly folder: CheckpointFolder;
  readonly config: JsonObject;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Remembers what is dear to find out, such as whether two large tensors are equal. */
  fact?(name: string, find: () => Promise<boolean>): Promise<boolean>;
  /** Compare only so many bytes at the beginning and at the end of large tensors: a good guess for a look from afar. */
  readonly glance?: number;
}

const SINGLE = "model.safetensors";
export const SHARD_INDEX = "model.safetensors.index.json";
const MAX_JSON_BYTES = 64_000_000;
export const SHARD_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*\.safetensors$/;

/**
 * Opens `config.json` and the weights of a folder in Hugging Face layout.
 *
 * @throws UnmaskError `not-found`, `checkpoint-invalid` or `checkpoint-unsupported`
 */
export async function openCheckpoint(folder: CheckpointFolder): Promise<Checkpoint> {
  const names = await folder.names();
  if (!names.includes("config.json")) {
    throw new UnmaskError(
      "not-found",
      `${folder.name} has no config.json, so it is not a checkpoint folder.`,
    );
  }
  const config = await readJson(folder, "config.json");
  return { folder, config, tensors: await openWeights(folder, names) };
}

async function openWeights(
  folder: CheckpointFolder,
  names: readonly string[],
): Promise<Map<string, TensorEntry>> {
  if (names.includes(SHARD_INDEX)) return openShards(folder, names);
  if (names.includes(SINGLE)) return readSafetensors(await folder.open(SINGLE), SINGLE);
  const pickle = names.find((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  const has = pickle === undefined ? "has no weights" : `has only ${pickle}, a pickle, which is never read`;
  throw new UnmaskError("checkpoint-unsupported", `${folder.name} ${has}; a ${SINGLE} file is needed.`);
}

async function openShards(
  folder: CheckpointFolder,
  names: readonly string[],
): Promise<Map<string, TensorEntry>> {
  const map = own(await readJson(folder, SHARD_INDEX), "weight_map");
  if (!isObject(map)) throw new UnmaskError("checkpoint-invalid", `${SHARD_INDEX} has no weight_map.`);
  const shards = new Map<string, Map<string, TensorEntry>>();
  const tensors = new Map<string, TensorEntry>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== "string" || !SHARD_NAME.test(file)) {
      throw new UnmaskError(
        "checkpoint-invalid",
        `${SHARD_INDEX} names ${JSON.stringify(file)?.slice(0, 200)}, which is not a file of the folder.`,
      );
    }
    if (!shards.has(file)) {
      if (!names.includes(file)) {
        throw new UnmaskError(
          "checkpoint-invalid",
          `${SHARD_INDEX} names ${file}, which is missing from ${folder.name}.`,
        );
      }
      shards.set(file, await readSafetensors(await folder.open(file), file));
    }
    const entry = shards.get(file)?.get(tensor);
    if (entry === undefined) {
      throw new UnmaskError(
        "checkpoint-invalid",
        `${SHARD_INDEX} puts ${tensor.slice(0, 200)} into ${file}, which does not hold it.`,
      );
    }
    tensors.set(tensor, entry);
  }
  return tensors;
}

/** A JSON file of the folder. @throws UnmaskError `checkpoint-invalid` */
export async function readJson(folder: CheckpointFolder, name: string): Promise<JsonObject> {
  return parseJsonObject(new TextDecoder().decode(await readAll(await folder.open(name), name)), name);
}

/** A small file as a whole. */
export async function readAll(source: ByteSource, name: string): Promise<Uint8Array<ArrayBuffer>> {
  if (source.size > MAX_JSON_BYTES) {
    throw new UnmaskError(
      "checkpoint-invalid",
      `${name} has ${source.size} bytes, more than this reader accepts.`,
    );
  }
  return source.read(0, source.size);
}

/** The tensor `name`, checked against the shape the configuration implies. @throws UnmaskError `checkpoint-invalid` */
export function requireTensor(checkpoint: Checkpoint, name: string, shape: readonly number[]): TensorEntry {
  const tensor = checkpoint.tensors.get(name);
  if (tensor === undefined) {
    throw new UnmaskError("checkpoint-invalid", `The tensor ${name} is missing.`, {
      detail: { tensor: name },
    });
  }
  if (tensor.shape.length !== shape.length || shape.some((dim, axis) => tensor.shape[axis] !== dim)) {
    throw new UnmaskError(
      "checkpoint-invalid",
      `${name} is [${tensor.shape.join(", ")}], but config.json implies [${shape.join(", ")}].`,
      { detail: { tensor: name } },
    );
  }
  return tensor;
}
