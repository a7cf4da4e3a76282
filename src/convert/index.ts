export { directoryFolder, filesFolder, type GivenFile, pickedFiles } from "../sources/file-folder.ts";
export { type HubFolder, type HubOptions, hubFolder } from "../sources/hub-folder.ts";
export { type Locator, parseLocator } from "../sources/locator.ts";
export { openPageSource, type PageSourceOptions } from "../sources/page-source.ts";
export { urlFolder } from "../sources/url-folder.ts";
export {
  type ByteSource,
  blobSource,
  type CheckpointFolder,
  memorySource,
} from "./checkpoint/byte-source.ts";
export { convertCheckpoint } from "./convert.ts";
export type { ConvertOptions } from "./convert-options.ts";
export { DTYPES, type Dtype, parseDtypes } from "./dtype.ts";
export { findExport } from "./exports/find-export.ts";
export { type ImportOptions, importLogitsModel } from "./exports/import-logits.ts";
export { inspectExport } from "./exports/inspect-export.ts";
export { type Inspection, inspectBundle, inspectCheckpoint } from "./inspect.ts";
export type { BundleTarget } from "./target/bundle-target.ts";
export { opfsTarget } from "./target/opfs-target.ts";
export { type VerifyCase, verifyCheckpoint } from "./verify.ts";
