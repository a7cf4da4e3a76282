import type { GraphHost } from "../../convert/graph/graph-host.ts";
import { toUnmaskError, UnmaskError, type UnmaskErrorCode } from "../../core/errors.ts";
import type * as Page from "./gpu-page.ts";

type Calls = Pick<typeof Page, "open" | "run" | "release">;

/** A started page of gpu-page.ts; its calls arrive here, whatever stands between. */
export interface PageLink {
  call<Name extends keyof Calls>(
    name: Name,
    ...given: Parameters<Calls[Name]>
  ): Promise<Awaited<ReturnType<Calls[Name]>>>;
  /** Ends the page even when it hangs. */
  close(): Promise<void>;
}

/** A browser that takes longer to end is left to its fate. */
const CLOSE_MS = 20_000;

/**
 * Runs graphs in a page that may hang or die: a call that takes longer than `limitMs` ends with an error, and the next
 * graph is opened in a new page.
 *
 * @param first is closed with the host, as are the pages of `openPage`
 * @throws UnmaskError from its calls: `backend-unavailable` when the page does not answer in time, `graph-mismatch`,
 *   `device-lost`, `internal`
 */
export function pageHost(
  first: PageLink,
  openPage: () => Promise<PageLink>,
  limitMs: number,
): GraphHost & AsyncDisposable {
  let page: PageLink | undefined = first;
  const guarded = async <T>(on: PageLink, code: UnmaskErrorCode, work: Promise<T>): Promise<T> => {
    try {
      return await within(limitMs, work);
    } catch (error) {
      // What it still holds is not to be trusted, and what came of it may not be either.
      if (page === on) page = undefined;
      await within(CLOSE_MS, on.close()).catch(() => {});
      throw asError(error, code);
    }
  };
  return {
    async open(model, data, optimization) {
      page ??= await openPage();
      const on = page;
      const made = on.call("open", model, data, optimization);
      const { graph, inputNames } = await guarded(on, "graph-mismatch", made);
      return {
        inputNames,
        run: (feeds) => guarded(on, "internal", on.call("run", graph, feeds)),
        release: async () => {
          if (page === on) await guarded(on, "internal", on.call("release", graph));
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await page?.close();
      page = undefined;
    },
  };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `The browser's WebGPU did not answer within ${ms / 1000} s.`;
    timer = setTimeout(() => reject(new UnmaskError("backend-unavailable", message)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function asError(error: unknown, code: UnmaskErrorCode): UnmaskError {
  if (error instanceof UnmaskError) return error;
  // Errors of a page arrive as text, with its stack behind it.
  const message = toUnmaskError(error)
    .message.split("\n")[0]!
    .replace(/^page\.evaluate: /, "");
  if (/taken away/.test(message)) return new UnmaskError("device-lost", message, { cause: error });
  if (/has been closed|crashed/.test(message)) {
    return new UnmaskError("backend-unavailable", `The browser ended: ${message}`, { cause: error });
  }
  return new UnmaskError(code, message, { cause: error });
}
