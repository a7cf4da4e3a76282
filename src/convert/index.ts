export type { BundleTarget } from "./bundle-target.ts";
export { type ByteSource, blobSource, type CheckpointFolder, memorySource } from "./byte-source.ts";
export { type ConvertOptions, convertCheckpoint, DTYPES, type Dtype, parseDtypes } from "./convert.ts";
export { importLogitsModel } from "./import-logits.ts";
export { type Inspection, inspectBundle, inspectCheckpoint } from "./inspect.ts";
export { type VerifyCase, verifyCheckpoint } from "./verify.ts";
