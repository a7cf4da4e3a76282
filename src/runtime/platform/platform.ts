import type { BackendKind } from "../../protocol.ts";
import type { OrtModule } from "../ort/ort.ts";
import type { ModelStore } from "../store/model-store.ts";
import type { BundleSource } from "../store/source.ts";
import type { TemplateWorker } from "../template/render-template.ts";

/** What differs between a worker in a browser and Node; everything else of the runtime is the same. */
export interface Platform {
  /** `navigator.gpu`, where there is one. */
  readonly gpu: GPU | undefined;
  /** Reserves the GPU for this tab; gives what ends that, or undefined while another tab has it. */
  claimGpu?(): Promise<(() => void) | undefined>;
  /** True when WASM may use threads. */
  readonly threads: boolean;
  /** What forbids the threads of a runtime at this address all the same; undefined where nothing does. */
  threadsRefused?(runtimeUrl: string | undefined): Promise<string | undefined>;
  readonly cores: number;
  /** What to tell someone who wonders why there is only one thread. */
  readonly noThreadsReason: string;
  /** Loads the onnxruntime build for a backend; `runtimeUrl` is the folder of its files, where the platform needs it. */
  loadOrt(kind: BackendKind, runtimeUrl: string | undefined): Promise<OrtModule>;
  /** What starts a worker that runs a chat template; loaded when a chat needs one. */
  startTemplateWorker?(): Promise<() => TemplateWorker>;
  openSource(model: string): BundleSource;
  /** Where models are kept between visits; undefined where nothing is kept. */
  openStore(): Promise<ModelStore | undefined>;
}
