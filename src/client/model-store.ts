import { proxy, releaseProxy, wrap } from "comlink";
import { UnmaskError } from "../core/errors.ts";
import { installErrorTransfer } from "../protocol.ts";
import type { StoreApi, StoreProgress } from "../store-protocol.ts";

/** The models this browser keeps, in a worker that runs until {@link StoreClient.close}. */
export interface StoreClient extends StoreApi {
  /** Ends what is under way; its promise rejects with `aborted`. */
  close(): void;
}

/** Starts the storage worker. It knows nothing of onnxruntime, so it is there at once. */
export function openStoreClient(): StoreClient {
  installErrorTransfer();
  const worker = new Worker(new URL("../../workers/store.worker.ts", import.meta.url), { type: "module" });
  const remote = wrap<StoreApi>(worker);
  let fail = (_: UnmaskError): void => {};
  const ended = new Promise<never>((_, reject) => {
    fail = reject;
  });
  ended.catch(() => {});
  worker.addEventListener("error", ({ message }) => {
    fail(new UnmaskError("internal", `The storage worker stopped: ${message || "it could not be started"}.`));
  });
  const orEnd = <T>(call: Promise<T>): Promise<T> => Promise.race([call, ended]);
  const told = (report: StoreProgress) => proxy(report);
  return {
    list: () => orEnd(remote.list()),
    verify: (id, report) => orEnd(remote.verify(id, told(report))),
    keepTemplate: (address, template) => orEnd(remote.keepTemplate(address, template)),
    remove: (id) => orEnd(remote.remove(id)),
    pack: (id) => orEnd(remote.pack(id)),
    unpack: (archive, report) => orEnd(remote.unpack(archive, told(report))),
    close() {
      fail(new UnmaskError("aborted", "Stopped."));
      remote[releaseProxy]();
      worker.terminate();
    },
  };
}
