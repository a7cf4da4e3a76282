import { httpSource } from "./http-source.ts";
import { localSource } from "./local-source.ts";
import { claimGpu } from "./locks.ts";
import { openModelStore } from "./model-store.ts";
import type { Platform } from "./platform.ts";

/** The worker of a page. */
export function browserPlatform(): Platform {
  return {
    gpu: navigator.gpu as GPU | undefined,
    claimGpu,
    threads: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer !== "undefined",
    cores: navigator.hardwareConcurrency || 1,
    noThreadsReason: "the page is not cross-origin isolated (COOP/COEP headers)",
    loadOrt: async (kind, runtimeUrl) => {
      const ort = await (kind === "webgpu" ? import("./ort-webgpu.ts") : import("./ort-wasm.ts"));
      if (runtimeUrl !== undefined) ort.env.wasm.wasmPaths = runtimeUrl;
      return ort;
    },
    startTemplateWorker: async () => (await import("./template-worker-browser.ts")).startTemplateWorker,
    openSource: (model) => localSource(model) ?? httpSource(model),
    openStore: openModelStore,
  };
}
