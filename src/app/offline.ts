import { registerSW } from "virtual:pwa-register";
import type { EngineInfo } from "../protocol.ts";
import type { Page } from "./page.ts";

/** Files of onnxruntime that a backend loads; the service worker keeps them for visits without a network. */
const RUNTIME: Readonly<Record<EngineInfo["backend"], string>> = {
  wasm: "ort/ort-wasm-simd-threaded",
  webgpu: "ort/ort-wasm-simd-threaded.asyncify",
};

/** The page as an app: kept for offline use, updated when its user says so. */
export interface Offline {
  /** A model was loaded: what it needs beside its weights is kept. */
  keep(info: EngineInfo, model: string): void;
  /** Enables what applies now: no update while a text is being written. */
  refresh(running: boolean): void;
}

/** Registers the service worker. Where there is none, or it is refused, the page works as before. */
export function createOffline(page: Page): Offline {
  if (!("serviceWorker" in navigator)) return { keep() {}, refresh() {} };
  const update = registerSW({
    onNeedRefresh() {
      page.update.hidden = false;
    },
    // Private windows and policies refuse it; the page then works as a page.
    onRegisterError() {},
  });
  page.update.addEventListener("click", () => void update(true));
  return {
    keep(info, model) {
      const runtime = RUNTIME[info.backend];
      const files = [`${runtime}.mjs`, `${runtime}.wasm`, `${model.replace(/\/$/, "")}/unmask.json`];
      const urls = files.map((file) => new URL(file, document.baseURI).href);
      void navigator.serviceWorker.ready.then(({ active }) => active?.postMessage({ type: "keep", urls }));
      // Asks once the user has shown by loading a model that it is wanted; the answer changes nothing here.
      void navigator.storage?.persist?.();
    },
    refresh(running) {
      page.update.disabled = running;
    },
  };
}
