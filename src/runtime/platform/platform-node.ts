import { availableParallelism } from "node:os";
import { folderSource } from "../store/folder-source.ts";
import { httpSource } from "../store/http-source.ts";
import type { Platform } from "./platform.ts";

/** Node: WASM only, bundles from disk or the network, nothing kept. */
export function nodePlatform(): Platform {
  return {
    gpu: undefined,
    threads: true,
    cores: availableParallelism(),
    noThreadsReason: "",
    loadOrt: () => import("../ort/ort-node.ts"),
    startTemplateWorker: async () =>
      (await import("../template/template-worker-node.ts")).startTemplateWorker,
    openSource: (model) => (/^https?:\/\//.test(model) ? httpSource(model) : folderSource(model)),
    openStore: async () => undefined,
  };
}
