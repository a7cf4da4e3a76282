import { UnmaskError } from "../../core/errors.ts";
import type { Blend, ForwardRequest } from "../../core/types.ts";

/** What a model can compute in one forward. */
export interface RequestLimits {
  readonly vocab: number;
  readonly maxCanvas: number;
  /** Rows of logits that fit the device at once. */
  readonly maxRows: number;
  /** The graph takes an attention bias. */
  readonly masked: boolean;
}

/** @throws UnmaskError `internal` for a request that fits no graph, `out-of-memory` for one too large for this device */
export function checkRequest(
  { canvases, rows, guidance, attention, drafts = [], blend }: ForwardRequest,
  { vocab, maxCanvas, maxRows, masked }: RequestLimits,
): void {
  const length = canvases[0]?.length ?? 0;
  if ((attention.kind === "block-causal") !== masked) {
    throw new UnmaskError("internal", `This graph does not compute ${attention.kind} attention.`);
  }
  const pairs = guidance.kind === "cfg" ? canvases.length === 2 : canvases.length === 1;
  if (!pairs || canvases.some((canvas) => canvas.length !== length)) {
    throw new UnmaskError(
      "internal",
      `A forward got ${canvases.length} canvases where ${guidance.kind === "cfg" ? 2 : 1} of one length belong.`,
    );
  }
  const fits = rows.every((row, i) => row >= 0 && row < length && (i === 0 || row > rows[i - 1]!));
  if (length === 0 || length > maxCanvas || !fits) {
    throw new UnmaskError("internal", `A forward over ${length} rows does not fit a canvas of ${maxCanvas}.`);
  }
  if (blend !== undefined && !isBlend(blend, length, vocab)) {
    throw new UnmaskError(
      "internal",
      `A draft does not fit ${length} rows or the vocabulary, or not by the share ${blend.share}.`,
    );
  }
  const most = Math.max(rows.length, ...drafts.map((draft) => draft.rows.length));
  if (most <= maxRows) return;
  // Larger logits than the GPU binds would read as zeros.
  const [neededBytes, limitBytes] = [4 * vocab * most, 4 * vocab * maxRows];
  throw new UnmaskError(
    "out-of-memory",
    `The logits of ${most} tokens need ${neededBytes} bytes at once and the GPU binds ${limitBytes}. Smaller blocks or a shorter text need less.`,
    { detail: { neededBytes, limitBytes } },
  );
}

function isBlend({ ids, share }: Blend, length: number, vocab: number): boolean {
  return ids.length === length && ids.every((id) => id < vocab) && share > 0 && share <= 1;
}
