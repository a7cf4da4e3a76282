/** The `node` export condition gives the WASM-only build, which finds its runtime files by itself. */
export { env, InferenceSession, Tensor } from "onnxruntime-web";
