import { proxy, wrap } from "comlink";
import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import type {
  OwnApi,
  OwnChoice,
  OwnLeftover,
  OwnLook,
  OwnModel,
  OwnProgress,
  OwnSource,
} from "../own/protocol.ts";
import { installErrorTransfer } from "../protocol.ts";

/** The conversion worker, started with the first call. A worker that dies fails what it was doing, and is replaced. */
export interface OwnModels {
  look(source: OwnSource, choice: OwnChoice): Promise<OwnLook>;
  convert(choice: OwnChoice, report: (progress: OwnProgress) => void): Promise<OwnModel>;
  abort(): void;
  leftovers(): Promise<OwnLeftover[]>;
  removeLeftover(key: string): Promise<void>;
}

/** A worker that runs a graph of strangers hears nothing meanwhile; one that does not stop by then is ended. */
const STOP_MS = 10_000;

export function createOwnModels(): OwnModels {
  let link: Link | undefined;
  let ending: ReturnType<typeof setTimeout> | undefined;
  const call = async <T>(job: (api: Link["api"]) => Promise<T>): Promise<T> => {
    link ??= openLink(() => {
      link = undefined;
    });
    try {
      return await Promise.race([job(link.api), link.failed]);
    } catch (error) {
      throw toUnmaskError(error);
    } finally {
      clearTimeout(ending);
    }
  };
  const abort = (): void => {
    const stopped = link;
    void stopped?.api.abort();
    clearTimeout(ending);
    ending = setTimeout(() => stopped?.end("aborted", "It was stopped."), STOP_MS);
  };
  return {
    look: (source, choice) => call((api) => api.look(source, choice)),
    async convert(choice, report) {
      const runtimeUrl = new URL("ort/", document.baseURI).href;
      const model = await call((api) => api.convert(choice, runtimeUrl, proxy(report)));
      // A graph that was run once has taken memory that a worker never gives back.
      link?.end("disposed", "The conversion is over.");
      return model;
    },
    abort,
    leftovers: () => call((api) => api.leftovers()),
    removeLeftover: (key) => call((api) => api.removeLeftover(key)),
  };
}

interface Link {
  readonly api: ReturnType<typeof wrap<OwnApi>>;
  /** Rejects when the worker dies. */
  readonly failed: Promise<never>;
  end(code: "aborted" | "disposed" | "internal", message: string): void;
}

function openLink(died: () => void): Link {
  installErrorTransfer();
  const worker = new Worker(new URL("../../workers/convert.worker.ts", import.meta.url), { type: "module" });
  let fail = (_: UnmaskError): void => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Nobody may be waiting when it dies.
  failed.catch(() => {});
  const end: Link["end"] = (code, message) => {
    died();
    worker.terminate();
    fail(new UnmaskError(code, message));
  };
  worker.addEventListener("error", (event) => {
    end("internal", `The conversion stopped: ${event.message || "its worker died"}.`);
  });
  return { api: wrap<OwnApi>(worker), failed, end };
}
