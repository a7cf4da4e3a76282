/**
 * Starts the worker of the engine. Bundlers look for just this expression, so it stands here literally; the package's
 * build (scripts/build-lib.mjs) names the built worker in it, for the bundlers of those who install the package.
 */
export function startWorker(): Worker {
  return new Worker(new URL("../../workers/engine.worker.ts", import.meta.url), { type: "module" });
}
