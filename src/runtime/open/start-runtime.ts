import { claimThreads } from "../graph/session.ts";
import type { BackendChoice } from "../ort/backend-choice.ts";
import type { OrtModule } from "../ort/ort.ts";

/** The smallest model there is: `y = Identity(x)` over one float. */
const IDENTITY =
  "CAoSBnVubWFzazo8ChAKAXgSAXkiCElkZW50aXR5EgZ1bm1hc2taDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgQKABAVQhEKDWNvbS5taWNyb3NvZnQQAQ==";

/**
 * Compiles onnxruntime's WASM and starts its threads, which it would otherwise do with the first session: here it
 * happens while the weights are still on their way.
 */
export async function startRuntime(ort: OrtModule, backend: BackendChoice): Promise<OrtModule> {
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = claimThreads(backend.threads);
  const model = Uint8Array.from(atob(IDENTITY), (char) => char.charCodeAt(0));
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  await session.release();
  return ort;
}
