import { httpSource } from "./http-source.ts";
import type { Platform } from "./platform.ts";
import { openOpfsStore } from "./store.ts";

/** The worker of a page. */
export function browserPlatform(): Platform {
  return {
    gpu: navigator.gpu as GPU | undefined,
    threads: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer !== "undefined",
    cores: navigator.hardwareConcurrency || 1,
    noThreadsReason: "the page is not cross-origin isolated (COOP/COEP headers)",
    loadOrt: async (kind, runtimeUrl) => {
      const ort = await (kind === "webgpu" ? import("./ort-webgpu.ts") : import("./ort-wasm.ts"));
      if (runtimeUrl !== undefined) ort.env.wasm.wasmPaths = runtimeUrl;
      return ort;
    },
    openSource: httpSource,
    openStore: openOpfsStore,
  };
}
