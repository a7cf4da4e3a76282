import type * as Ort from "onnxruntime-web";

/** The parts of onnxruntime-web in use. Passed in, because the browser and Node have different builds of it. */
export type OrtModule = Pick<typeof Ort, "InferenceSession" | "Tensor" | "env">;
export type OrtSession = Ort.InferenceSession;
export type OrtTensor = Ort.Tensor;
