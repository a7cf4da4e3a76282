import type { InferenceSession as Session } from "onnxruntime-node";
import type { OrtModule } from "../../src/runtime/ort/ort.ts";

/**
 * onnxruntime-node in the place of onnxruntime-web: the same graphs and weights on the CPU's own instructions. It takes
 * the thread count from where the runtime writes it for WASM.
 *
 * @throws what the import throws where the platform has no binary
 */
export async function loadNativeOrt(): Promise<OrtModule> {
  const { env, InferenceSession, Tensor } = await import("onnxruntime-node");
  const create = (graph: Uint8Array, options: Session.SessionOptions): Promise<Session> =>
    InferenceSession.create(graph, {
      ...options,
      executionProviders: ["cpu"],
      intraOpNumThreads: env.wasm.numThreads ?? 1,
    });
  // The runtime opens sessions from bytes only.
  return { env, Tensor, InferenceSession: { create: create as OrtModule["InferenceSession"]["create"] } };
}
