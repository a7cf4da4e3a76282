import { engineOver } from "../../client/engine-over.ts";
import { UnmaskError } from "../../core/errors.ts";
import type { LoadEvent } from "../../core/events.ts";
import type { Engine, LoadOptions } from "../../protocol.ts";
import { nodePlatform } from "../platform/platform-node.ts";
import { createHost } from "./host.ts";

export interface OpenNodeEngineOptions extends Omit<LoadOptions, "runtimeUrl"> {
  /** Path or URL of a bundle folder. */
  readonly model: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (event: LoadEvent) => void;
}

/**
 * Opens a model in this Node process, on WASM. Same events and errors as in the browser.
 *
 * @throws UnmaskError
 */
export async function openNodeEngine(options: OpenNodeEngineOptions): Promise<Engine> {
  const { model, signal, onProgress, ...load } = options;
  if (signal?.aborted === true) throw new UnmaskError("aborted", "Opening the model was stopped.");
  const host = createHost(nodePlatform());
  const abort = () => host.abortLoad();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const info = await host.load(model, load, onProgress ?? (() => {}));
    return engineOver(
      { api: { run: host.run, abort: host.abort, control: host.control }, close: host.dispose },
      info,
    );
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
