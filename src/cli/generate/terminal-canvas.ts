import { assertNever } from "../../core/errors.ts";
import type { Commit, GenerateEvent, Pieces } from "../../core/events.ts";
import type { Piece } from "../../core/types.ts";
import { applyStep } from "../../engine/record/trace.ts";

const DIM = "\u001b[2m";
const BOLD = "\u001b[1m";
const RESET = "\u001b[0m";

/**
 * Draws the canvas in a terminal, tokens resolving in place: each event redraws the lines of the last one.
 * Fresh tokens are bold, masks are a low bar; control characters of tokens never reach the terminal.
 */
export function createTerminalCanvas(
  columns: () => number,
  write: (text: string) => void,
): (event: GenerateEvent) => void {
  const pieces = new Map<number, Piece>();
  const learn = (fresh: Pieces | undefined): void => {
    for (const [id, piece] of Object.entries(fresh ?? {})) pieces.set(Number(id), piece);
  };
  let ids: readonly number[] = [];
  let maskId = -1;
  let lines = 0;

  function draw(fresh: ReadonlySet<number>): void {
    const width = Math.max(20, columns() - 1);
    let text = "";
    let column = 0;
    let count = 1;
    const newline = (): void => {
      text += "\n";
      column = 0;
      count += 1;
    };
    const put = (visible: string, style: string): void => {
      for (const [index, part] of visible.split("\n").entries()) {
        if (index > 0) newline();
        if (column + part.length > width) newline();
        const shown = column === 0 ? part.trimStart() : part;
        column += shown.length;
        text += style === "" ? shown : `${style}${shown}${RESET}`;
      }
    };
    for (const [row, id] of ids.entries()) {
      if (id === maskId) put(" __", DIM);
      else put(pieceText(pieces, ids, row), fresh.has(row) ? BOLD : "");
    }
    write(`${lines > 1 ? `\u001b[${lines - 1}A` : ""}\r\u001b[0J${text}`);
    lines = count;
  }

  return (event) => {
    switch (event.type) {
      case "start":
        learn(event.pieces);
        ids = [...event.canvas];
        maskId = event.maskId;
        return draw(new Set());
      case "step":
        learn(event.pieces);
        ids = applyStep(ids, event, maskId);
        // A change of length moves the rows that were committed in the same step.
        return draw(event.inserts.length + event.deletes.length > 0 ? new Set() : rowsOf(event.commits));
      case "done":
        draw(new Set());
        return write("\n");
      case "forward":
      case "length":
      case "cache":
        return;
      default:
        return assertNever(event);
    }
  };
}

function rowsOf(commits: readonly Commit[]): ReadonlySet<number> {
  return new Set(commits.map(({ row }) => row));
}

/** Text of the token at `row`; bytes of a split character are joined at its first token and empty at the others. */
function pieceText(pieces: ReadonlyMap<number, Piece>, ids: readonly number[], row: number): string {
  const piece = pieces.get(ids[row]!);
  if (piece === undefined) return "";
  if (typeof piece === "string") return printable(piece);
  const before = row > 0 ? pieces.get(ids[row - 1]!) : undefined;
  if (before !== undefined && typeof before !== "string") return "";
  const bytes: number[] = [];
  for (let next = row; next < ids.length; next++) {
    const part = pieces.get(ids[next]!);
    if (part === undefined || typeof part === "string") break;
    bytes.push(...part);
  }
  return printable(new TextDecoder().decode(Uint8Array.from(bytes)));
}

/** Without control characters (escape sequences above all), but with line breaks. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing control characters is the purpose
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "");
}
