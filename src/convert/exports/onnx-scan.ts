import { UnmaskError } from "../../core/errors.ts";
import type { ByteSource } from "../checkpoint/byte-source.ts";

/** A protobuf field where it lies in a file: its contents may be gigabytes of weights, which are not read to find it. */
export interface PlacedField {
  readonly field: number;
  /** Of its tag. */
  readonly start: number;
  /** Of its payload, up to `end`; of a length-delimited field behind the length. */
  readonly from: number;
  readonly end: number;
}

const MAX_FIELDS = 1_000_000;
const MAX_HEAD_BYTES = 20;

/**
 * The fields of the message in `[start, end)` of a file. Their payloads are skipped.
 *
 * @param source small reads must be cheap, as those of `windowed` are
 * @throws UnmaskError `checkpoint-invalid` when the bytes are not a message
 */
export async function scanFields(
  source: ByteSource,
  start = 0,
  end: number = source.size,
): Promise<PlacedField[]> {
  const fields: PlacedField[] = [];
  let at = start;
  while (at < end) {
    if (fields.length >= MAX_FIELDS) throw broken(at);
    const head = await source.read(at, Math.min(MAX_HEAD_BYTES, end - at));
    const tag = varintAt(head, 0, at);
    const from = at + tag.bytes;
    const field = Math.floor(tag.value / 8);
    const sized = (length: number, lead = 0): PlacedField => ({
      field,
      start: at,
      from: from + lead,
      end: from + lead + length,
    });
    let placed: PlacedField;
    switch (tag.value & 7) {
      case 0:
        placed = sized(varintAt(head, tag.bytes, at).bytes);
        break;
      case 1:
        placed = sized(8);
        break;
      case 2: {
        const length = varintAt(head, tag.bytes, at);
        placed = sized(length.value, length.bytes);
        break;
      }
      case 5:
        placed = sized(4);
        break;
      default:
        throw broken(at);
    }
    if (!(placed.end <= end)) throw broken(at);
    fields.push(placed);
    at = placed.end;
  }
  return fields;
}

function varintAt(head: Uint8Array, offset: number, at: number): { value: number; bytes: number } {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = head[offset + i];
    if (byte === undefined) break;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { value, bytes: i + 1 };
  }
  throw broken(at);
}

function broken(at: number): UnmaskError {
  return new UnmaskError("checkpoint-invalid", `The file is not an ONNX graph: it breaks off at byte ${at}.`);
}
