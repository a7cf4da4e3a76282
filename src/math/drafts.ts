import type { Draft, ForwardRequest } from "../core/types.ts";

/** The request that one draft stands for: its canvas and rows, no guidance, noise or divergence. */
export function draftRequest(request: ForwardRequest, { canvas, rows, gather }: Draft): ForwardRequest {
  const { noise: _noise, gather: _gather, klPrevious: _kl, ...signals } = request.signals;
  const { drafts: _drafts, repeats: _repeats, ...rest } = request;
  return {
    ...rest,
    canvases: [canvas],
    rows,
    guidance: { kind: "none" },
    signals: { ...signals, ...(gather === undefined ? {} : { gather: { width: 1, ids: gather } }) },
  };
}
