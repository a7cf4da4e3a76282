import { httpSource } from "../store/http-source.ts";
import { localSource } from "../store/local-source.ts";
import { claimGpu } from "../store/locks.ts";
import { openModelStore } from "../store/model-store.ts";
import type { Platform } from "./platform.ts";

/** The worker of a page. */
export function browserPlatform(): Platform {
  return {
    gpu: navigator.gpu as GPU | undefined,
    claimGpu,
    threads: globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer !== "undefined",
    threadsRefused: blobsRefused,
    cores: navigator.hardwareConcurrency || 1,
    noThreadsReason: "the page is not cross-origin isolated (COOP/COEP headers)",
    loadOrt: async (kind, runtimeUrl) => {
      const ort = await (kind === "webgpu" ? import("../ort/ort-webgpu.ts") : import("../ort/ort-wasm.ts"));
      if (runtimeUrl !== undefined) ort.env.wasm.wasmPaths = runtimeUrl;
      return ort;
    },
    startTemplateWorker: async () =>
      (await import("../template/template-worker-browser.ts")).startTemplateWorker,
    openSource: (model) => localSource(model) ?? httpSource(model),
    openStore: openModelStore,
  };
}

/**
 * onnxruntime starts the threads of a runtime on another origin from a blob. Whether the policy of an embedding page
 * allows that can only be tried; trying to load onnxruntime itself would leave it unusable.
 */
async function blobsRefused(runtimeUrl: string | undefined): Promise<string | undefined> {
  if (runtimeUrl === undefined || new URL(runtimeUrl).origin === location.origin) return undefined;
  const address = URL.createObjectURL(new Blob(["export {};"], { type: "text/javascript" }));
  try {
    await import(/* @vite-ignore */ /* webpackIgnore: true */ address);
    return undefined;
  } catch {
    return "the policy of the page allows no scripts of blobs";
  } finally {
    URL.revokeObjectURL(address);
  }
}
