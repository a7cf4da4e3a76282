/** The WASM-only build: half the download of the WebGPU one. */
export { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
