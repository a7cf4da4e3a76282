/** A bundle folder, wherever it is. */
export interface BundleSource {
  /** Address for messages. */
  readonly name: string;
  /**
   * The bytes of one file in order. Chunks belong to the reader. A source that is reached over a network goes on by
   * itself after a cut.
   *
   * @param path relative path from the manifest, already checked to stay inside the bundle
   * @param start offset of the first byte wanted; a file that ends before it gives nothing
   * @throws UnmaskError `not-found`, `source-blocked`, `download-failed`, `file-truncated`, `aborted`
   */
  read(path: string, signal: AbortSignal, start?: number): AsyncIterable<Uint8Array>;
}
