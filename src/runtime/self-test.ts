import { UnmaskError } from "../core/errors.ts";
import type { ForwardRequest } from "../core/types.ts";
import type { Manifest } from "../model/manifest.ts";
import { createCpuRows, type RowReducer } from "./rows.ts";
import type { GraphSession, LogitsOutput } from "./session.ts";

export interface SelfTest {
  readonly maxError: number;
  readonly tolerance: number;
}

/**
 * Runs the bundle's golden forward and compares logits; wrong kernels are silent otherwise. Then the row statistics of
 * this device are compared with the reference on the same logits.
 *
 * @returns undefined when the bundle has no record for the variant
 * @throws UnmaskError `golden-mismatch` with the largest error and the tolerance
 */
export async function selfTest(
  session: GraphSession,
  rows: RowReducer,
  manifest: Manifest,
  variant: string,
): Promise<SelfTest | undefined> {
  const { ids, positions, byVariant } = manifest.golden;
  const golden = Object.hasOwn(byVariant, variant) ? byVariant[variant] : undefined;
  if (golden === undefined || ids.length === 0) return undefined;
  const all = Int32Array.from(ids.keys());
  const output = await session.run({ ids: Int32Array.from(ids), indices: all, positions });
  try {
    const logits = await output.read();
    let maxError = 0;
    golden.topIds.forEach((top, row) => {
      top.forEach((id, j) => {
        const error = Math.abs(logits[row * manifest.vocab + id]! - golden.topLogits[row]![j]!);
        if (!(error <= maxError)) maxError = error;
      });
    });
    if (!(maxError <= golden.tolerance)) {
      throw new UnmaskError(
        "golden-mismatch",
        `This device computes the ${variant} model wrongly: logits are off by ${maxError.toPrecision(3)}, ` +
          `${golden.tolerance} is allowed.`,
        { detail: { variant, maxError, tolerance: golden.tolerance } },
      );
    }
    await compareRows(output, logits, rows, all, manifest);
    return { maxError, tolerance: golden.tolerance };
  } finally {
    output.dispose();
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
