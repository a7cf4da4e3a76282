/** What the page asks the storage worker (workers/store.worker.ts, through comlink). */

/** A model that this browser keeps, wholly or in part. */
export interface StoredModel {
  readonly id: string;
  /** What opens it: the address of a bundle's folder, or `opfs:<id>`. */
  readonly address: string;
  readonly name: string;
  readonly licence: string;
  /** Of its complete files; a file that two models share counts for both. */
  readonly bytes: number;
  /** True when all files of one variant are there. */
  readonly complete: boolean;
  /** This browser has the only copy: it was converted or imported here. */
  readonly local: boolean;
  /** Of the last load, in milliseconds since 1970. */
  readonly used: number;
}

export interface StoreListing {
  /** Last used first. */
  readonly models: readonly StoredModel[];
  /** Bytes of this site, and what the browser grants it, where it tells. */
  readonly usage?: number;
  readonly quota?: number;
}

export interface Verification {
  /** Bytes whose hashes are right. */
  readonly bytes: number;
  /** Paths of files that were not, and are removed. */
  readonly damaged: readonly string[];
}

/** Hears how many bytes of how many are done. */
export type StoreProgress = (bytes: number, totalBytes: number) => void;

export interface StoreApi {
  list(): Promise<StoreListing>;
  /** Compares every chunk of every stored file with its hash. Damaged files are removed: the next load heals the model. */
  verify(id: string, report: StoreProgress): Promise<Verification>;
  /**
   * Keeps a chat template with the model of an address, or forgets it.
   *
   * @returns false when this browser does not have the model
   */
  keepTemplate(address: string, template: string | undefined): Promise<boolean>;
  /** @returns bytes that were freed */
  remove(id: string): Promise<number>;
  /** The model as a tar archive of its bundle folder; its bytes are read when the blob is. */
  pack(id: string): Promise<Blob>;
  /**
   * Takes in what {@link pack} made, after every hash was checked; nothing remains of a file that is refused.
   *
   * @throws UnmaskError `manifest-invalid`, `manifest-version`, `checksum-mismatch`, `file-truncated`, `storage-failed`
   */
  unpack(archive: Blob, report: StoreProgress): Promise<StoredModel>;
}
