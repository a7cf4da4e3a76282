import { UnmaskError } from "../../core/errors.ts";
import type { ForwardRequest } from "../../core/types.ts";
import type { Manifest } from "../../model/manifest.ts";
import { createCpuRows, type RowReducer } from "../graph/rows.ts";
import type { GraphOutput, GraphSession, LogitsOutput } from "../graph/session.ts";
import type { KvBuffers } from "../kv/kv-buffers.ts";
import { createKvStore } from "../kv/kv-store.ts";

export interface SelfTest {
  readonly maxError: number;
  readonly tolerance: number;
}

/**
 * Runs the bundle's golden forward and compares logits; wrong kernels are silent otherwise. Then the row statistics of
 * this device are compared with the reference on the same logits, and the second half is computed again over the stored
 * keys and values of the first.
 *
 * @returns undefined when the bundle has no record for the variant
 * @throws UnmaskError `golden-mismatch` with the largest error and the tolerance
 */
export async function selfTest(
  session: GraphSession,
  rows: RowReducer,
  openBuffers: () => KvBuffers,
  manifest: Manifest,
  variant: string,
): Promise<SelfTest | undefined> {
  const { ids, positions, byVariant } = manifest.golden;
  const golden = Object.hasOwn(byVariant, variant) ? byVariant[variant] : undefined;
  if (golden === undefined || ids.length === 0) return undefined;
  const all = Int32Array.from(ids.keys());
  const output = await session.run({ ids: Int32Array.from(ids), indices: all, positions, keep: true });
  try {
    const logits = await output.read();
    const maxError = goldenError(logits, golden, manifest.vocab);
    const { tolerance } = golden;
    if (!(maxError <= tolerance)) throw wrongLogits(`the ${variant} model`, maxError, tolerance);
    const cacheError = await cachedError(session, openBuffers, output, logits, manifest);
    if (!(cacheError <= tolerance))
      throw wrongLogits(`cached keys of the ${variant} model`, cacheError, tolerance);
    // Last, because suppressed ids lose their logits there.
    await compareRows(output, logits, rows, all, manifest);
    return { maxError, tolerance: golden.tolerance };
  } finally {
    output.dispose();
  }
}

/**
 * Runs the golden forward as the second of two canvases.
 *
 * @returns why several canvases must not share a run here; undefined when they may, or there is no record to tell by
 */
export async function testBatch(
  session: Pick<GraphSession, "run" | "takesBatch">,
  { golden, vocab }: Pick<Manifest, "golden" | "vocab">,
  variant: string,
): Promise<string | undefined> {
  const { ids, positions, byVariant } = golden;
  const record = Object.hasOwn(byVariant, variant) ? byVariant[variant] : undefined;
  if (record === undefined || ids.length === 0 || !session.takesBatch) return undefined;
  const output = await session.run({
    batch: 2,
    ids: Int32Array.from([...ids.toReversed(), ...ids]),
    positions: [...positions, ...positions],
    indices: Int32Array.from(ids, (_, row) => ids.length + row),
  });
  try {
    const error = goldenError(await output.read(), record, vocab);
    return error <= record.tolerance
      ? undefined
      : `this device computes two canvases at once wrongly: logits are off by ${error.toPrecision(3)}`;
  } finally {
    output.dispose();
  }
}

/**
 * Runs the golden forward on a graph that takes hints: all of its ids as hints of other ids, which count for nothing.
 *
 * @throws UnmaskError `golden-mismatch`; without a record there is nothing to compare with
 */
export async function testHints(
  session: Pick<GraphSession, "run">,
  { golden, vocab }: Pick<Manifest, "golden" | "vocab">,
  variant: string,
): Promise<void> {
  const { ids, positions, byVariant } = golden;
  const record = Object.hasOwn(byVariant, variant) ? byVariant[variant] : undefined;
  if (record === undefined || ids.length === 0) return;
  const output = await session.run({
    ids: Int32Array.from(ids.toReversed()),
    positions,
    indices: Int32Array.from(ids.keys()),
    hints: { ids, shares: [1] },
  });
  try {
    const error = goldenError(await output.read(), record, vocab);
    if (!(error <= record.tolerance)) {
      throw wrongLogits(`blended vectors of the ${variant} model`, error, record.tolerance);
    }
  } finally {
    output.dispose();
  }
}

type GoldenRecord = Manifest["golden"]["byVariant"][string];

/** Largest error of the logits that a record lists; NaN when one is no number. */
function goldenError(logits: Float32Array, { topIds, topLogits }: GoldenRecord, vocab: number): number {
  let worst = 0;
  for (const [row, top] of topIds.entries()) {
    for (const [j, id] of top.entries()) {
      const error = Math.abs(logits[row * vocab + id]! - topLogits[row]![j]!);
      if (!(error <= worst)) worst = error;
    }
  }
  return worst;
}

function wrongLogits(what: string, maxError: number, tolerance: number): UnmaskError {
  return new UnmaskError(
    "golden-mismatch",
    `This device computes ${what} wrongly: logits are off by ${maxError.toPrecision(3)}, ${tolerance} is allowed.`,
    { detail: { maxError, tolerance } },
  );
}

/** Largest logit error of the second half, computed over the stored keys of the first, against the whole forward. */
async function cachedError(
  session: GraphSession,
  openBuffers: () => KvBuffers,
  { fresh }: GraphOutput,
  logits: Float32Array,
  { golden, vocab, layers }: Manifest,
): Promise<number> {
  if (layers === 0) return 0;
  const all = Int32Array.from(golden.ids.keys());
  const half = all.length >> 1;
  if (half === 0) return 0;
  const store = createKvStore(openBuffers());
  try {
    store.store(all, all.subarray(0, half), fresh);
    const second = all.slice(half);
    const { feeds, order } = store.past(all.subarray(0, half));
    const output = await session.run({
      ids: Int32Array.from(golden.ids).slice(half),
      indices: second.map((row) => row - half),
      positions: golden.positions.slice(half),
      past: feeds,
      pastRows: order.map((row) => golden.positions[row]!),
    });
    const found = await output.read();
    output.dispose();
    let worst = 0;
    for (const [i, value] of found.entries()) {
      const error = Math.abs(value - logits[half * vocab + i]!);
      if (!(error <= worst)) worst = error;
    }
    return worst;
  } finally {
    store.dispose();
  }
}

async function compareRows(
  output: LogitsOutput,
  logits: Float32Array,
  rows: RowReducer,
  all: Int32Array,
  { vocab, golden, tokens }: Manifest,
): Promise<void> {
  const request: ForwardRequest = {
    canvases: [Int32Array.from(golden.ids)],
    rows: all,
    attention: { kind: "full" },
    guidance: { kind: "none" },
    signals: { topK: 2, entropy: true, current: false, probe: [] },
    suppress: [tokens.mask],
    kv: null,
    promptLen: 0,
  };
  const found = await rows.reduce([output], request);
  const copy: LogitsOutput = { ...output, read: async () => logits.slice() };
  const expected = await createCpuRows(vocab).reduce([copy], request);
  for (let r = 0; r < all.length; r++) {
    const same = found.topIds[2 * r] === expected.topIds[2 * r];
    const error = Math.max(
      Math.abs(found.lse[r]! - expected.lse[r]!),
      Math.abs(found.entropy![r]! - expected.entropy![r]!),
    );
    if (same && error < 1e-3 * Math.max(1, Math.abs(expected.lse[r]!))) continue;
    throw new UnmaskError(
      "golden-mismatch",
      `This device reduces logits wrongly (row ${r}, error ${error}).`,
      {
        detail: { row: r, error },
      },
    );
  }
}
