import { UnmaskError } from "../core/errors.ts";

/**
 * Starts the worker of the engine. Bundlers look for just this expression, so it stands here literally; the package's
 * build (scripts/build-lib.mjs) names the built worker in it, for the bundlers of those who install the package.
 *
 * @throws UnmaskError `backend-unavailable` where the page may start none
 */
export function startWorker(): Worker {
  try {
    return new Worker(new URL("../../workers/engine.worker.ts", import.meta.url), { type: "module" });
  } catch (cause) {
    const why =
      globalThis.origin === "null"
        ? "a sandboxed frame may not start one. Open the page in a tab of its own"
        : String(cause);
    throw new UnmaskError("backend-unavailable", `The model runs in a worker, and ${why}.`, { cause });
  }
}
