import type { EngineInfo } from "../../protocol.ts";
import type { Page } from "../page.ts";
import { isolateOnce } from "./isolation.ts";
import { offerUpdates, type Updates } from "./updates.ts";

/** Files of onnxruntime that a backend loads; the service worker keeps them for visits without a network. */
const RUNTIME: Readonly<Record<EngineInfo["backend"], string>> = {
  wasm: "ort/ort-wasm-simd-threaded",
  webgpu: "ort/ort-wasm-simd-threaded.asyncify",
};

/** The page as an app: kept for offline use, updated when its user says so. */
export interface Offline {
  /**
   * A model was loaded, so its weights are stored: what it needs beside them is kept as well. False where the next visit
   * needs the network all the same.
   */
  keep(info: EngineInfo, model: string): Promise<boolean>;
  /** True when an earlier visit kept the model. */
  hasKept(model: string): Promise<boolean>;
  /** Enables what applies now: no update while a text is being written. */
  refresh(running: boolean): void;
}

/**
 * Registers the service worker. Where there is none, or it is refused, the page works as before.
 *
 * @param isIdle false when the page holds something that a reload would lose
 */
export function createOffline(page: Page, isIdle: () => boolean): Offline {
  const container = findContainer();
  let updates: Updates | undefined;
  const registered = register(container);
  void registered.then((registration) => {
    if (container === undefined || registration === undefined) return;
    updates = offerUpdates(container, registration, page.update);
    void isolateOnce(container, isIdle);
  });
  return {
    async keep(info, model) {
      // Asks once the user has shown by loading a model that it is wanted; the answer changes nothing here.
      void persist();
      if (info.warnings.some(({ code }) => code === "storage-failed")) return false;
      if (container === undefined || (await registered) === undefined) return false;
      const runtime = RUNTIME[info.backend];
      const files = [`${runtime}.mjs`, `${runtime}.wasm`, headOf(model)];
      const urls = files.map((file) => new URL(file, document.baseURI).href);
      const { active } = await container.ready;
      return new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => {
          port1.close();
          resolve(data === true);
        };
        active?.postMessage({ type: "keep", urls }, [port2]);
      });
    },
    async hasKept(model) {
      try {
        return (await caches.match(new URL(headOf(model), document.baseURI))) !== undefined;
      } catch {
        // Storage is forbidden, so nothing is kept.
        return false;
      }
    },
    refresh: (running) => updates?.refresh(running),
  };
}

function headOf(model: string): string {
  return `${model.replace(/\/$/, "")}/unmask.json`;
}

function findContainer(): ServiceWorkerContainer | undefined {
  try {
    return navigator.serviceWorker as ServiceWorkerContainer | undefined;
  } catch {
    // A sandboxed frame.
    return undefined;
  }
}

/** Private windows, policies and the development server have no service worker. */
async function register(
  container: ServiceWorkerContainer | undefined,
): Promise<ServiceWorkerRegistration | undefined> {
  try {
    return await container?.register(new URL("service-worker.js", document.baseURI));
  } catch {
    return undefined;
  }
}

async function persist(): Promise<void> {
  try {
    await navigator.storage.persist();
  } catch {
    // Not a secure context, or a frame without storage.
  }
}
