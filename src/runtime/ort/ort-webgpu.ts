/** The build for WebGPU. Its WASM backend lacks operators (GatherBlockQuantized), so WASM has its own build. */
export { env, InferenceSession, Tensor } from "onnxruntime-web/webgpu";
