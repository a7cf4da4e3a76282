import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UnmaskError } from "../../src/core/errors.ts";
import { markdownTable, type Table } from "./table.ts";

export interface Report {
  readonly title: string;
  /** Paragraphs above the tables. */
  readonly intro: readonly string[];
  readonly tables: readonly Table[];
  /** Markdown below them. */
  readonly sections?: readonly string[];
}

/** `eval`, or a name that nobody takes for the whole: `eval-quick`, `eval-partial`. Git ignores those. */
export function reportName(name: string, quick: boolean, whole: boolean): string {
  return quick ? `${name}-quick` : whole ? name : `${name}-partial`;
}

/**
 * Writes `<name>.json`, `<name>.md` and further files of the report into `folder`.
 *
 * @returns their paths
 * @throws UnmaskError `write-failed`
 */
export async function writeReport(
  folder: string,
  name: string,
  document: Readonly<Record<string, unknown>>,
  report: Report,
  more: ReadonlyMap<string, string> = new Map(),
): Promise<readonly string[]> {
  const files = new Map([
    [`${name}.json`, jsonLines(document)],
    [`${name}.md`, markdownReport(report)],
    ...more,
  ]);
  const paths = [...files.keys()].map((file) => join(folder, file));
  try {
    await mkdir(folder, { recursive: true });
    for (const [file, text] of files) {
      await writeFile(join(folder, `${file}.partial`), text);
      await rename(join(folder, `${file}.partial`), join(folder, file));
    }
  } catch (cause) {
    throw new UnmaskError("write-failed", `The report cannot be written: ${String(cause)}`, { cause });
  }
  return paths;
}

function markdownReport({ title, intro, tables, sections = [] }: Report): string {
  const parts = [
    `# ${title}\n`,
    ...intro.map((text) => `${text}\n`),
    ...tables.map(markdownTable),
    ...sections,
  ];
  return `${parts.join("\n").trimEnd()}\n`;
}

/** JSON with an entry of each top-level list a line: differences stay readable, files small. Six digits are enough. */
export function jsonLines(document: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === "number" && !Number.isInteger(part) ? Number(part.toPrecision(6)) : part,
    );
  const fields = Object.entries(document).map(([key, value]) => {
    const isList = Array.isArray(value) && value.length > 0;
    return `${JSON.stringify(key)}: ${isList ? `[\n${value.map(text).join(",\n")}\n]` : text(value)}`;
  });
  return `{\n${fields.join(",\n")}\n}\n`;
}
