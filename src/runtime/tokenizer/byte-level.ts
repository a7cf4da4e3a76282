/**
 * Byte-level BPE writes each byte as one printable character: printable Latin-1 stands for itself, the 68 other bytes
 * for U+0100 onwards in ascending order (GPT-2's table).
 */
export function byteTable(): ReadonlyMap<string, number> {
  const table = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    table.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return table;
}

/**
 * The bytes a token stands for. Without a table the token is SentencePiece's: `▁` is a space and `<0x0A>` one byte.
 */
export function tokenBytes(token: string, table: ReadonlyMap<string, number> | undefined): number[] {
  const encoder = new TextEncoder();
  if (table !== undefined) {
    return Array.from(token).flatMap((char) => table.get(char) ?? Array.from(encoder.encode(char)));
  }
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  return byte === undefined
    ? Array.from(encoder.encode(token.replaceAll("▁", " ")))
    : [Number.parseInt(byte, 16)];
}
