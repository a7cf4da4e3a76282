/** A bundle folder, wherever it is. */
export interface BundleSource {
  /** Address for messages. */
  readonly name: string;
  /**
   * The bytes of one file in order. Chunks belong to the reader.
   *
   * @param path relative path from the manifest, already checked to stay inside the bundle
   * @throws UnmaskError `not-found`, `download-failed`, `aborted`
   */
  read(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
