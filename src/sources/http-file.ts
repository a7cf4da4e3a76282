import type { ByteSource } from "../convert/checkpoint/byte-source.ts";
import { isUnmaskError, UnmaskError } from "../core/errors.ts";
import { contentRange, openTransfer, streamUrl } from "./http-transfer.ts";
import { Cut, PATIENCE, type Patience, pauseAfter } from "./patience.ts";
import { memorySpool, type OpenSpool } from "./spool.ts";

export interface HttpOptions {
  readonly signal: AbortSignal;
  readonly patience?: Partial<Patience>;
  /** Where a file goes whose server knows no ranges; in memory when left out. */
  readonly openSpool?: OpenSpool;
}

/** Requests for less are widened to this and remembered: a header, or the small tensors of a layer. */
const NEIGHBOURHOOD_BYTES = 256 * 1024;

/**
 * Random access to a file on a web server by range requests. The address that redirects lead to (hubs sign theirs for an
 * hour) is kept until it is refused, then asked for anew. A file that changes while it is read is an error, never a mix.
 *
 * @param bytes its size where a listing told it; asked of the server otherwise
 * @throws UnmaskError `not-found`, `source-blocked`, `source-changed`, `download-failed`, `file-truncated`, `aborted`
 */
export async function httpFile(url: string, options: HttpOptions, bytes?: number): Promise<ByteSource> {
  const { signal } = options;
  const patience = { ...PATIENCE, ...options.patience };
  /** Set once the server has turned out to know no ranges. */
  let whole: Promise<ByteSource> | undefined;
  let direct = url;
  let etag: string | null = null;
  let size = bytes;

  const spool = (): Promise<ByteSource> => {
    whole ??= fillSpool(url, options.openSpool ?? memorySpool, signal, patience, size);
    return whole;
  };

  const changed = (what: string): UnmaskError =>
    new UnmaskError("source-changed", `${url} changed while it was read: ${what}. Start again.`, {
      detail: { url },
    });

  /** Checks that the answer is the part that was asked for, of the same file as before. */
  const check = (response: Response, start: number): void => {
    const range = contentRange(response);
    if (range.start !== undefined && range.start !== start) {
      throw new UnmaskError(
        "download-failed",
        `${url} answers with bytes from ${range.start}, not from ${start}.`,
        {
          detail: { url },
        },
      );
    }
    if (size !== undefined && range.total !== undefined && range.total !== size) {
      throw changed(`it had ${size} bytes and now has ${range.total}`);
    }
    size ??= range.total;
    const tag = response.headers.get("ETag");
    if (etag !== null && tag !== null && tag !== etag) throw changed("its ETag is another");
    etag ??= tag;
  };

  /** Bytes `[start, end)`, or undefined when the server sends the whole file instead. */
  const request = async (start: number, end: number): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const out = new Uint8Array(end - start);
    let at = 0;
    let mark = 0;
    for (let failures = 0; ; failures++) {
      const address = direct;
      try {
        const { response, parts } = await openTransfer(address, { start: start + at, end }, signal, patience);
        if (response.status === 200) {
          await parts.return();
          return undefined;
        }
        try {
          check(response, start + at);
          direct = response.url || url;
          for await (const part of parts) {
            if (at + part.length > out.length) {
              throw new UnmaskError("download-failed", `${url} sends more bytes than were asked for.`);
            }
            out.set(part, at);
            at += part.length;
          }
        } finally {
          await parts.return();
        }
        if (at < out.length) throw new Cut(`the answer ended ${out.length - at} bytes early`);
        return out;
      } catch (cause) {
        const refused =
          isUnmaskError(cause) && (cause.code === "source-blocked" || cause.code === "not-found");
        if (refused && address !== url) {
          direct = url;
          continue;
        }
        if (at - mark >= patience.floorBytes) failures = 0;
        mark = at;
        await pauseAfter(cause, failures, { url, got: start + at, signal, patience });
      }
    }
  };

  if (size === undefined) {
    // The headers of the first byte tell the size. Not HEAD: caches in front of hubs answer it without a length.
    await request(0, 1).catch((error: unknown) => {
      if (!isUnmaskError(error) || error.code !== "file-truncated") throw error;
    });
    // An empty file has no first byte, and a server without ranges or with hidden headers has to send the whole.
    size ??= (await spool()).size;
  }
  const total = size;
  let near: { readonly start: number; readonly bytes: Uint8Array<ArrayBuffer> } | undefined;

  const read = async (offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> => {
    if (length === 0) return new Uint8Array(0);
    if (whole !== undefined) return (await whole).read(offset, length);
    if (length >= NEIGHBOURHOOD_BYTES) {
      return (await request(offset, offset + length)) ?? (await spool()).read(offset, length);
    }
    if (near === undefined || offset < near.start || offset + length > near.start + near.bytes.length) {
      const bytes = await request(offset, Math.min(offset + NEIGHBOURHOOD_BYTES, total));
      if (bytes === undefined) return (await spool()).read(offset, length);
      near = { start: offset, bytes };
    }
    return near.bytes.slice(offset - near.start, offset - near.start + length);
  };
  return {
    size: total,
    read,
    get version() {
      return `${total} ${etag ?? ""}`;
    },
  };
}

async function fillSpool(
  url: string,
  openSpool: OpenSpool,
  signal: AbortSignal,
  patience: Patience,
  expected: number | undefined,
): Promise<ByteSource> {
  const spool = await openSpool();
  let bytes = 0;
  for await (const part of streamUrl(url, signal, 0, patience)) {
    bytes += part.length;
    if (expected !== undefined && bytes > expected) break;
    await spool.write(part);
  }
  if (expected !== undefined && bytes !== expected) {
    throw new UnmaskError("file-truncated", `${url} sends ${bytes} bytes; it should have ${expected}.`, {
      detail: { url, bytes, expectedBytes: expected },
    });
  }
  return spool.finish();
}
