import { isUnmaskError, UnmaskError } from "../../core/errors.ts";
import type { LoadEvent } from "../../core/events.ts";
import { deriveInt8 } from "../../model/derive-int8.ts";
import type { Manifest, ManifestFile } from "../../model/manifest.ts";
import { isHalf } from "../../model/variant.ts";
import type { GpuFaults } from "../gpu/gpu-faults.ts";
import { createGpuBuffers } from "../gpu/gpu-kv-buffers.ts";
import { createGpuRows } from "../gpu/gpu-rows.ts";
import { createCpuRows, type RowReducer } from "../graph/rows.ts";
import { type GraphFiles, type GraphSession, openSession } from "../graph/session.ts";
import { createCpuBuffers, type KvBuffers } from "../kv/kv-buffers.ts";
import type { BackendChoice } from "../ort/backend-choice.ts";
import type { OrtModule } from "../ort/ort.ts";
import { TEMPLATE_FILE } from "../template/jinja-chat.ts";
import { type FetchOptions, fetchFiles } from "./bundle.ts";
import { type SelfTest, selfTest, testHints } from "./self-test.ts";

/** A graph that has passed its golden forward, with what runs around it. */
export interface OpenVariant {
  readonly variant: string;
  readonly session: GraphSession;
  readonly rows: RowReducer;
  readonly openBuffers: () => KvBuffers;
  /** Absent: the bundle has no record for the variant. */
  readonly test: SelfTest | undefined;
  /** Of its files. */
  readonly bytes: number;
}

export type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** Where a variant is opened. */
export interface VariantPlace extends FetchOptions {
  readonly manifest: Manifest;
  readonly backend: BackendChoice;
  readonly ort: Promise<OrtModule>;
  /** Rejects when the device is lost. */
  readonly lost: Promise<never> | undefined;
  readonly faults: GpuFaults | undefined;
}

export const TOKENIZER = "tokenizer.json";
export const TOKENIZER_CONFIG = "tokenizer_config.json";

/**
 * Opens the first of `variants` that computes rightly: one in f16 that does not, or that the device refuses, is given
 * up for the next with the warning `f16-refused`.
 *
 * @param have files that are there already; others are fetched
 * @throws UnmaskError of the last one; nothing stays open
 */
export async function openFirst(
  [variant, ...others]: readonly [string, ...string[]],
  place: VariantPlace,
  have: Files,
): Promise<OpenVariant> {
  const needed = neededFiles(place.manifest, variant);
  const missing = needed.filter(({ path }) => !have.has(path));
  const files = missing.length === 0 ? have : new Map([...have, ...(await fetchFiles(missing, place))]);
  const [next, ...rest] = others;
  try {
    return await openVariant(variant, place, files, bytesOf(needed));
  } catch (error) {
    if (next === undefined || !isHalf(variant) || !isRefusal(error)) throw error;
    place.warn("f16-refused", `The GPU does not run this model in f16, so it runs in f32. ${error.message}`);
    return openFirst([next, ...rest], place, files);
  }
}

function isRefusal(error: unknown): error is UnmaskError {
  return isUnmaskError(error) && ["golden-mismatch", "graph-mismatch", "internal"].includes(error.code);
}

async function openVariant(
  variant: string,
  { manifest, backend, ort: loading, lost, faults, report, signal }: VariantPlace,
  files: Files,
  bytes: number,
): Promise<OpenVariant> {
  const tell = (phase: LoadEvent["phase"]) => report({ phase, bytes, totalBytes: bytes });
  tell("compiling");
  const weights = graphFiles(manifest, variant, files);
  const ort = await loading;
  const session = await openSession(ort, weights, backend, manifest);
  const { device } = backend;
  let rows: RowReducer | undefined;
  try {
    throwIfAborted(signal);
    tell("warming");
    const { kv } = session;
    rows = device === undefined ? createCpuRows(manifest.vocab) : createGpuRows(device, manifest.vocab);
    const openBuffers = () =>
      device === undefined ? createCpuBuffers(ort, kv) : createGpuBuffers(ort, device, kv);
    const testing = selfTest(session, rows, openBuffers, manifest, variant);
    const test = await Promise.race([testing, ...(lost ? [lost] : [])]);
    faults?.check();
    throwIfAborted(signal);
    return { variant, session, rows, openBuffers, test, bytes };
  } catch (error) {
    rows?.dispose();
    await session.release().catch(() => {});
    // Wrong numbers may have a reason that the device tells.
    faults?.check();
    throw error;
  }
}

/**
 * A second session of a variant that is open, over its graph with hints. Graph and weights are fetched once more: while
 * nobody blends, nothing is kept for it.
 *
 * @throws UnmaskError `graph-mismatch` for a graph that is none of ours, and all that opening a variant throws
 */
export async function openBlending(
  variant: string,
  { ort, lost, faults, ...place }: VariantPlace,
): Promise<GraphSession> {
  const { manifest, backend, signal } = place;
  const names = weightFiles(manifest, variant);
  const files = await fetchFiles(
    manifest.files.filter(({ path }) => names.includes(path)),
    place,
  );
  const weights = graphFiles(manifest, variant, files);
  const { blendGraph } = await import("../../onnx/blend-graph.ts");
  throwIfAborted(signal);
  const opened = { ...weights, graph: blendGraph(weights.graph) };
  const session = await openSession(await ort, opened, backend, manifest);
  try {
    const testing = testHints(session, manifest, variant);
    await Promise.race([testing, ...(lost ? [lost] : [])]);
    faults?.check();
    throwIfAborted(signal);
    return session;
  } catch (error) {
    await session.release().catch(() => {});
    faults?.check();
    throw error;
  }
}

/** Files of one variant and the tokenizer, small ones first. */
export function neededFiles(manifest: Manifest, variant: string): ManifestFile[] {
  const template = manifest.chat === undefined ? [TEMPLATE_FILE] : [];
  const paths = [TOKENIZER, TOKENIZER_CONFIG, ...template, ...weightFiles(manifest, variant)];
  const files = paths.flatMap((path) => manifest.files.find((file) => file.path === path) ?? []);
  if (files[0]?.path !== TOKENIZER) {
    throw new UnmaskError("tokenizer-invalid", `The bundle has no ${TOKENIZER}.`);
  }
  return files;
}

function weightFiles({ variants }: Manifest, variant: string): string[] {
  const { graph, data, from } = variants[variant]!;
  return [graph, ...data, ...(from === undefined ? [] : variants[from]!.data)];
}

function graphFiles(manifest: Manifest, variant: string, files: Files): GraphFiles {
  const { graph, data, from, derive, optimization } = manifest.variants[variant]!;
  const name = (path: string) => path.slice(path.lastIndexOf("/") + 1);
  const stored = data.map((path) => ({ path: name(path), data: files.get(path)! }));
  const base = from === undefined ? undefined : files.get(manifest.variants[from]!.data[0] ?? "");
  const derived =
    derive === undefined || base === undefined
      ? []
      : [{ path: name(derive.location), data: deriveInt8(base, derive) }];
  return { graph: files.get(graph)!, data: [...stored, ...derived], ...(optimization && { optimization }) };
}

function bytesOf(files: readonly ManifestFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new UnmaskError("aborted", "Loading the model was stopped.");
}
