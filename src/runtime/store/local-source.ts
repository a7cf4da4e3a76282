import { UnmaskError } from "../../core/errors.ts";
import { openModelStore } from "./model-store.ts";
import type { BundleSource } from "./source.ts";
import { localId } from "./store-layout.ts";

/**
 * A model that only this browser has: its manifest from the record, its files from the store, where a load looks first.
 * Undefined for addresses of another kind.
 */
export function localSource(address: string): BundleSource | undefined {
  const id = localId(address);
  if (id === undefined) return undefined;
  const readRecord = async () => (await openModelStore().catch(() => undefined))?.records.get(id);
  return {
    name: address.replace(/\/$/, ""),
    async *read(path) {
      const record = await readRecord();
      if (record === undefined) {
        throw new UnmaskError(
          "not-found",
          "This browser no longer has the model. Import or convert it again.",
        );
      }
      if (path !== "unmask.json") {
        throw new UnmaskError(
          "not-found",
          `${path} of ${record.manifest.name} is missing or damaged, and this browser had the only copy. Import or convert it again.`,
        );
      }
      yield new TextEncoder().encode(JSON.stringify(record.manifest));
    },
  };
}
