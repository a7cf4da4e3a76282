import { UnmaskError } from "../core/errors.ts";
import type { LoadEvent } from "../core/events.ts";
import type { Engine, EngineInfo, LoadOptions } from "../protocol.ts";

/** The one engine an element owns. Asking for another model or backend closes it and opens a new one. */
export interface EngineSlot {
  /** Of the engine that is open; undefined before and after. */
  readonly info: EngineInfo | undefined;
  /**
   * The open engine, or a new one.
   *
   * @param opening is called when a new one is opened, before anything is downloaded
   * @throws UnmaskError as `openEngine` does; `usage` without a model. A failed attempt can be repeated.
   */
  open(signal: AbortSignal, opening: () => void): Promise<Engine>;
  /** Pauses, resumes or steps the run of the engine, once it is open. */
  steer(action: "pause" | "resume" | "step"): void;
  close(): Promise<void>;
}

/** What to open, asked for at each opening. */
export interface EngineWish {
  model(): string | null;
  loadOptions(): LoadOptions;
  openWorker(): Worker | undefined;
  progress(event: LoadEvent): void;
}

export function createEngineSlot(wish: EngineWish): EngineSlot {
  let slot: { readonly key: string; readonly opened: Promise<Engine> } | undefined;
  let info: EngineInfo | undefined;
  const close = async (): Promise<void> => {
    const old = slot;
    slot = undefined;
    info = undefined;
    await old?.opened.then((engine) => engine[Symbol.asyncDispose]()).catch(() => undefined);
  };
  return {
    get info() {
      return info;
    },
    async open(signal, opening) {
      const model = wish.model();
      if (model === null) throw new UnmaskError("usage", "No model is named: set the attribute `model`.");
      const options = wish.loadOptions();
      const key = JSON.stringify([model, options]);
      if (slot?.key !== key) {
        opening();
        await close();
        const worker = wish.openWorker();
        const wanted = {
          model,
          ...options,
          ...(worker === undefined ? {} : { worker }),
          signal,
          onProgress: (event: LoadEvent) => wish.progress(event),
        };
        // A sheet that only plays recordings never needs it.
        const opened = import("../client/client.ts").then(({ openEngine }) => openEngine(wanted));
        slot = { key, opened };
      }
      try {
        const engine = await slot.opened;
        info = engine.info;
        return engine;
      } catch (error) {
        slot = undefined;
        throw error;
      }
    },
    steer(action) {
      void slot?.opened.then((engine) => engine[action]());
    },
    close,
  };
}
