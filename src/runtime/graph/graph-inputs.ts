import { blockBias } from "../../cache/block-grid.ts";
import type { Blend, ForwardRequest } from "../../core/types.ts";
import type { GraphHints, GraphRun } from "./session.ts";

/**
 * Turns one canvas of a request into inputs of the graph.
 *
 * @param pastRows canvas rows of the cached keys, in the order of the graph
 */
export type GraphInputs = (request: ForwardRequest, canvas: number, pastRows: Int32Array) => GraphRun;

/**
 * The arrays are reused while their lengths stay, as they do within a block.
 *
 * @param shift 1: row r of the logits predicts cell r + 1
 * @param biasRepeat how often a query stands in the attention bias
 * @param maskId the share of masked cells is the noise level; masks are what a draft is blended into
 */
export function createGraphInputs(shift: 0 | 1, biasRepeat: number, maskId: number): GraphInputs {
  let indices = new Int32Array(0);
  let active = new Int32Array(0);
  let every = new Int32Array(0);
  let hinted = new Int32Array(0);
  /** The ids of the rows with the draft's tokens in place of the mask. */
  const hintsOf = ({ ids, share }: Blend, rows: Int32Array): GraphHints => {
    if (hinted.length !== rows.length) hinted = new Int32Array(rows.length);
    for (let q = 0; q < rows.length; q++) {
      const hint = ids[rows[q]!]!;
      hinted[q] = active[q] === maskId && hint >= 0 ? hint : active[q]!;
    }
    return { ids: hinted, shares: [share] };
  };
  return (request, canvas, pastRows) => {
    const { rows, kv, attention, promptLen, blend } = request;
    const ids = request.canvases[canvas]!;
    if (every.length !== ids.length) every = ids.map((_, row) => row);
    const queries = kv?.queryRows ?? every;
    if (active.length !== queries.length) active = new Int32Array(queries.length);
    for (let q = 0; q < active.length; q++) active[q] = ids[queries[q]!]!;
    if (indices.length !== rows.length) indices = new Int32Array(rows.length);
    let at = 0;
    for (let r = 0; r < indices.length; r++) {
      const row = Math.max(0, rows[r]! - shift);
      // Both lists ascend and every row asked for is computed; the checks of a forward made sure.
      while (queries[at]! < row) at++;
      indices[r] = at;
    }
    const run = {
      ...{ ids: active, indices, positions: queries, pastRows, sigma: noiseLevel(ids, maskId) },
      ...(blend === undefined ? {} : { hints: hintsOf(blend, queries) }),
    };
    if (attention.kind === "full") return run;
    return {
      ...run,
      fillBias: (bias, closed) =>
        blockBias(attention, promptLen, queries, [...pastRows, ...queries], biasRepeat, closed, bias),
    };
  };
}

/** Of the log-linear schedule that MDLM trains with: sigma = -ln(1 - (1 - eps) t), t the share of masked cells. */
function noiseLevel(ids: Int32Array, maskId: number): number {
  const masked = ids.reduce((count, id) => count + (id === maskId ? 1 : 0), 0);
  return -Math.log1p((-0.999 * masked) / ids.length);
}
