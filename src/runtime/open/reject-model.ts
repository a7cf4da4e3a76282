import { isUnmaskError, type UnmaskErrorCode } from "../../core/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { forgetModel } from "../store/model-store.ts";
import { idOfAddress, localId } from "../store/store-layout.ts";

/** Failures that say something about the files: another visit would only find them again. */
const BAD_FILES: ReadonlySet<UnmaskErrorCode> = new Set([
  "manifest-invalid",
  "checksum-mismatch",
  "file-truncated",
  "tokenizer-invalid",
  "graph-mismatch",
]);

/**
 * Removes what a first load left of a model whose files are bad. One that was loaded before stays: damage on the way, or a
 * mistake on the server, must not cost what is stored.
 *
 * @param error of the load
 * @throws `error`, always
 */
export async function rejectModel(platform: Platform, address: string, error: unknown): Promise<never> {
  if (isUnmaskError(error) && BAD_FILES.has(error.code) && localId(address) === undefined) {
    try {
      const store = await platform.openStore();
      const id = await idOfAddress(platform.openSource(address).name);
      const record = await store?.records.get(id);
      if (store !== undefined && record?.added === record?.used) await forgetModel(store, id);
    } catch {
      // Storage that fails has been warned about; the error of the load matters more.
    }
  }
  throw error;
}
