import { UnmaskError } from "../../core/errors.ts";

/** Where results go. Writes never throw; what went wrong comes out of `end`. */
export interface Output {
  /** True once the reader has gone away (`| head -1`): the rest is not wanted, which is no error. */
  readonly closed: boolean;
  write(text: string): void;
  /** Resolves when everything has arrived. @throws UnmaskError `write-failed`, for example on a full disk */
  end(): Promise<void>;
}

/** @param onClosed called when the reader has gone away, so that the work can end */
export function createOutput(stream: NodeJS.WritableStream, onClosed: () => void): Output {
  let failure: NodeJS.ErrnoException | undefined;
  const closed = () => failure?.code === "EPIPE";
  const fail = (error: NodeJS.ErrnoException | null | undefined) => {
    if (failure !== undefined || error === null || error === undefined) return;
    failure = error;
    if (closed()) onClosed();
  };
  stream.on("error", fail);
  return {
    get closed() {
      return closed();
    },
    write(text) {
      if (failure === undefined) stream.write(text);
    },
    async end() {
      const error = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) => {
        if (failure !== undefined) resolve(failure);
        else stream.write("", resolve);
      });
      fail(error);
      if (failure !== undefined && !closed()) {
        throw new UnmaskError("write-failed", `The result could not be written: ${failure.message}.`, {
          cause: failure,
        });
      }
    },
  };
}
