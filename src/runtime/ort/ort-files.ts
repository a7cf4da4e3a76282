/** The files of onnxruntime-web that a page needs beside it: the plain build for WASM, the asyncify build for WebGPU. */
export const ORT_FILES: readonly string[] = [
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.wasm",
  "ort-wasm-simd-threaded.asyncify.mjs",
  "ort-wasm-simd-threaded.asyncify.wasm",
];
