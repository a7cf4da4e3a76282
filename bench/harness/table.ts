/** A titled table of a report. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What a reader must know to understand the figures. */
  readonly notes?: readonly string[];
}

/** As Markdown, columns padded to one width so that the source reads as a table too. */
export function markdownTable({ title, columns, rows, notes = [] }: Table): string {
  const clean = [columns, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = columns.map((_, at) => Math.max(3, ...clean.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  const [head, ...body] = clean;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const text = rows.length === 0 ? [] : [line(head!), rule, ...body.map(line), ""];
  return [`## ${title}`, "", ...text, ...notes.flatMap((note) => [note, ""])].join("\n");
}

/** `61.5 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** `61.5 % (54.1 to 68.4)`. */
export function percentWithin(share: number, [low, high]: readonly [number, number]): string {
  return `${percent(share)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
}
