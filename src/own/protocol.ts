import type { StoredDtype } from "../convert/dtype.ts";
import type { Inspection } from "../convert/inspect.ts";
import type { GivenFile } from "../sources/file-folder.ts";

/** Bringing one's own model: what the page and the conversion worker say to each other. */

/** What the user gave. */
export type OwnSource =
  /** `owner/name[@revision]` or an address. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "files"; readonly files: readonly GivenFile[] };

export interface OwnChoice {
  /**
   * Of a conversion q4 or q8, from either of which the int8 weights of the processor are derived; of an ONNX export that
   * of one of its graphs.
   */
  readonly dtype: StoredDtype;
  /** How the model was trained, where its files do not tell. */
  readonly profile?: string;
  /** Id of the mask token, where its files do not name it. */
  readonly mask?: number;
}

/** What a source turned out to be, before anything large is fetched. */
export interface OwnLook {
  /** What to call the model. */
  readonly name: string;
  readonly inspection: Inspection;
  /** What {@link OwnChoice.dtype} can be, and the one that the sizes are for: the one asked for where it is among them. */
  readonly dtypes: readonly StoredDtype[];
  readonly dtype: StoredDtype;
  /** Set when the source is a bundle on the web already: what to open, without a conversion. */
  readonly bundle?: string;
  /** Bytes of the source that a conversion reads. */
  readonly sourceBytes: number;
  /** Whether they come over a network. */
  readonly remote: boolean;
  /** Bytes that the converted model takes; absent when it cannot be converted. */
  readonly storedBytes?: number;
  /** Of these, bytes that an earlier conversion finished before it was cut off. */
  readonly doneBytes: number;
  /** Bytes that the browser has left for this site; absent where it does not tell. */
  readonly room?: number;
}

export interface OwnProgress {
  readonly text: string;
  /** Of the stage, 0 to 1, where it is known. */
  readonly share?: number;
}

export interface OwnModel {
  /** `opfs:<id>` */
  readonly address: string;
  readonly name: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** A conversion that was cut off, as the store has it. */
export interface OwnLeftover {
  readonly key: string;
  readonly bytes: number;
  readonly name: string;
  /** What to look at to go on; absent when files were given, which must be given again. */
  readonly origin?: string;
  readonly choice: OwnChoice;
}

/** The worker as the page sees it. One thing at a time: a new look ends the one before. */
export interface OwnApi {
  look(source: OwnSource, choice: OwnChoice): Promise<OwnLook>;
  /**
   * Converts what was looked at last.
   *
   * @param runtimeUrl folder of onnxruntime's files, ending in a slash: graphs of strangers are run once
   */
  convert(choice: OwnChoice, runtimeUrl: string, report: (progress: OwnProgress) => void): Promise<OwnModel>;
  /** Ends what is under way; its promise then rejects with `aborted`. */
  abort(): void;
  leftovers(): Promise<OwnLeftover[]>;
  removeLeftover(key: string): Promise<void>;
}
