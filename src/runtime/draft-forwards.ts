import type { Denoiser, RowStats } from "../core/types.ts";
import { draftRequest } from "../math/drafts.ts";

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
      for (const draft of wanted)
        drafts.push(structuredClone(await denoiser.forward(draftRequest(request, draft))));
      return { ...(await denoiser.forward(main)), drafts };
    },
  };
}
