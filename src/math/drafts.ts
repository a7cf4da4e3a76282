import type { Draft, ForwardRequest } from "../core/types.ts";

const NO_ROWS = new Int32Array(0);

/**
 * The request that one draft stands for: its canvas and rows, no guidance, noise or divergence. It reads the keys and
 * values that its request reads, and stores none.
 */
export function draftRequest(request: ForwardRequest, { canvas, rows, gather }: Draft): ForwardRequest {
  const { noise: _noise, gather: _gather, klPrevious: _kl, ...signals } = request.signals;
  const { drafts: _drafts, repeats: _repeats, ...rest } = request;
  return {
    ...rest,
    canvases: [canvas],
    rows,
    kv: rest.kv === null ? null : { ...rest.kv, writeRows: NO_ROWS },
    guidance: { kind: "none" },
    signals: { ...signals, ...(gather === undefined ? {} : { gather: { width: 1, ids: gather } }) },
  };
}
