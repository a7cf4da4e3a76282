import { createReadStream } from "node:fs";
import { UnmaskError, type UnmaskErrorCode } from "../../core/errors.ts";

/**
 * The text of a file of at most `maxBytes`; a device or pipe that never ends is given up at that size.
 *
 * @param what names the file in messages: `The golden file`
 * @param tooLarge the code for a larger one
 * @throws UnmaskError `not-found` when it cannot be read
 */
export async function readTextFile(
  path: string,
  what: string,
  maxBytes: number,
  tooLarge: UnmaskErrorCode,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const part of createReadStream(path) as AsyncIterable<Uint8Array>) {
      bytes += part.length;
      if (bytes > maxBytes) {
        throw new UnmaskError(tooLarge, `${what} ${path} is larger than ${maxBytes / 2 ** 20} MiB.`);
      }
      text += decoder.decode(part, { stream: true });
    }
  } catch (cause) {
    if (cause instanceof UnmaskError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : code;
    throw new UnmaskError("not-found", `${what} ${path} cannot be read: ${why}.`, { cause });
  }
  return text + decoder.decode();
}
