import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import type { StepEvent } from "./decode.ts";

const DOC = fileURLToPath(new URL("../../docs/write-a-strategy.md", import.meta.url));
const ENTRY = fileURLToPath(new URL("index.ts", import.meta.url));

test("the example of docs/write-a-strategy.md runs and does what it says", async () => {
  const code = /```ts\n(.*?)```/s.exec(readFileSync(DOC, "utf8"))?.[1] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "unmask-doc-"));
  try {
    const file = join(folder, "spaced.ts");
    writeFileSync(file, code.replace('"unmask/strategies"', JSON.stringify(pathToFileURL(ENTRY).pathname)));
    const { run, forwards } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      run: { events: readonly StepEvent[]; verdict: string };
      forwards: number;
    };
    expect(run.verdict).toBe("complete");
    expect(forwards).toBeLessThan(24);
    for (const { commits } of run.events) {
      for (const [i, { row }] of commits.entries()) {
        for (const other of commits.slice(i + 1)) expect(Math.abs(other.row - row)).toBeGreaterThanOrEqual(3);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
