import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jsonLines, reportName, writeReport } from "./report.ts";

test("JSON has an entry a line, six digits and nothing lost", () => {
  const text = jsonLines({ name: "a", list: [{ x: 1 / 3 }, { x: 2 }], none: [], nothing: null });
  expect(text).toBe(
    '{\n"name": "a",\n"list": [\n{"x":0.333333},\n{"x":2}\n],\n"none": [],\n"nothing": null\n}\n',
  );
  expect(JSON.parse(text)).toEqual({ name: "a", list: [{ x: 0.333333 }, { x: 2 }], none: [], nothing: null });
});

test("only a whole run has the plain name", () => {
  expect([
    reportName("eval", false, true),
    reportName("eval", false, false),
    reportName("eval", true, true),
  ]).toEqual(["eval", "eval-partial", "eval-quick"]);
});

test("writes everything or says that it cannot", async () => {
  const folder = await mkdtemp(join(tmpdir(), "unmask-report-"));
  const report = { title: "T", intro: ["Intro."], tables: [{ title: "A", columns: ["x"], rows: [["1"]] }] };
  const paths = await writeReport(
    join(folder, "deep"),
    "r",
    { a: 1 },
    report,
    new Map([["r.svg", "<svg/>"]]),
  );
  expect((await readdir(join(folder, "deep"))).sort()).toEqual(["r.json", "r.md", "r.svg"]);
  expect(await readFile(paths[1]!, "utf8")).toBe("# T\n\nIntro.\n\n## A\n\n| x   |\n| --- |\n| 1   |\n");
  await expect(writeReport("/dev/null/x", "r", {}, report)).rejects.toMatchObject({ code: "write-failed" });
  await rm(folder, { recursive: true });
});
