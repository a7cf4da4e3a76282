import type { Denoiser, ForwardTime, RowStats } from "../core/types.ts";
import { draftRequest } from "../math/drafts.ts";
import { allocateRowStats } from "../math/row-stats.ts";

/**
 * A denoiser that also evaluates the drafts of a request, each by a forward of its own. They go first, because
 * statistics are only valid until the next forward: theirs are copied.
 */
export function withDrafts(denoiser: Denoiser): Denoiser {
  return {
    ...denoiser,
    forward: async (request) => {
      const { drafts: wanted, ...main } = request;
      if (wanted === undefined) return denoiser.forward(request);
      const drafts: RowStats[] = [];
      let time: ForwardTime = { upload: 0, run: 0, readback: 0 };
      for (const draft of wanted) {
        const asked = draftRequest(request, draft);
        // A draft without masks has nothing to tell.
        const stats =
          draft.rows.length === 0
            ? allocateRowStats(draft.rows, asked.signals)
            : await denoiser.forward(asked);
        drafts.push(structuredClone(stats));
        time = added(time, stats.time);
      }
      const stats = await denoiser.forward(main);
      return { ...stats, drafts, ...(stats.time && { time: added(time, stats.time) }) };
    },
  };
}

function added(a: ForwardTime, b: ForwardTime = { upload: 0, run: 0, readback: 0 }): ForwardTime {
  return { upload: a.upload + b.upload, run: a.run + b.run, readback: a.readback + b.readback };
}
