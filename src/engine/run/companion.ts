import type { Companion } from "../../core/companion.ts";
import { UnmaskError } from "../../core/errors.ts";
import type { Denoiser, ForwardRequest, RowStats } from "../../core/types.ts";

/** A denoiser that answers the signal `expected`: what the companion makes of the tokens that the forward proposes. */
export function withCompanion(denoiser: Denoiser, companion: Companion): Denoiser {
  // A companion reads one text at a time.
  const { forwardAll: _together, ...single } = denoiser;
  return {
    ...single,
    forward: async (request) => {
      const { expected, ...signals } = request.signals;
      if (expected !== true) return denoiser.forward(request);
      const stats = await denoiser.forward({ ...request, signals });
      return { ...stats, expected: await supervise(companion, request, stats) };
    },
  };
}

/**
 * One causal forward over the canvas with the proposal in place (Guided Diffusion, arXiv 2505.21467), up to the last row
 * that is asked for. Row 0 has nothing before it: -1.
 */
async function supervise(
  companion: Companion,
  { canvases }: ForwardRequest,
  { rows, sampledIds }: RowStats,
): Promise<Int32Array> {
  const last = rows.at(-1) ?? 0;
  if (last === 0) return new Int32Array(rows.length).fill(-1);
  const proposal = canvases[0]!.slice(0, last);
  for (const [r, row] of rows.entries()) if (row < last) proposal[row] = sampledIds[r]!;
  const next = await companion({ kind: "expect", ids: proposal });
  if (next.length !== last) {
    const message = `The companion answered ${next.length} ids to ${last}.`;
    throw new UnmaskError("invalid-options", message, { detail: { option: "companion" } });
  }
  return rows.map((row) => (row === 0 ? -1 : next[row - 1]!));
}
