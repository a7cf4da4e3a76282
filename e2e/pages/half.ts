import { loadModel } from "../../src/runtime/open/load-model.ts";
import { browserPlatform } from "../../src/runtime/platform/platform-browser.ts";

/** Which graph a model is opened with where the adapter computes in f16, or says so. */
export interface Opened {
  readonly variant: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly maxError: number;
  readonly tolerance: number;
  /** Best ids of a forward. */
  readonly ids: readonly number[];
}

export async function hasHalf(): Promise<boolean> {
  const adapter = await navigator.gpu.requestAdapter();
  return adapter?.features.has("shader-f16") === true;
}

/** From here on every adapter and device says that it computes in f16, and none can. */
export function pretendHalf(): void {
  const { has } = GPUSupportedFeatures.prototype;
  GPUSupportedFeatures.prototype.has = function (name) {
    return name === "shader-f16" || has.call(this, name);
  };
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = function (descriptor) {
    const requiredFeatures = [...(descriptor?.requiredFeatures ?? [])].filter(
      (name) => name !== "shader-f16",
    );
    return requestDevice.call(this, { ...descriptor, requiredFeatures });
  };
}

export async function openTiny(variant?: string): Promise<Opened> {
  const { signal } = new AbortController();
  const options = {
    backend: "webgpu",
    allowSoftware: true,
    runtimeUrl: new URL("ort/", document.baseURI).href,
    ...(variant === undefined ? {} : { variant }),
  } as const;
  const model = new URL("models/tiny/", document.baseURI).href;
  const { denoiser, info, manifest } = await loadModel(browserPlatform(), model, options, () => {}, signal);
  const canvas = Int32Array.from({ length: 24 }, (_, i) =>
    i % 3 === 0 ? manifest.tokens.mask : (i * 37) % 300,
  );
  const { topIds } = await denoiser.forward({
    canvases: [canvas],
    rows: canvas.map((_, row) => row),
    attention: manifest.attention,
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: true, current: false, probe: [] },
    suppress: [],
    kv: null,
    promptLen: 0,
  });
  const ids = Array.from(topIds);
  await denoiser.dispose();
  return { variant: info.variant, warnings: info.warnings, ...info.selfTest!, ids };
}
