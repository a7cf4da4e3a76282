import { expect, test } from "vitest";
import { markdownTable, percentWithin } from "./table.ts";

test("pads columns and keeps bars out of cells", () => {
  const text = markdownTable({ title: "T", columns: ["a", "long"], rows: [["x|y", "1"]], notes: ["Note."] });
  expect(text).toBe("## T\n\n| a    | long |\n| ---- | ---- |\n| x\\|y | 1    |\n\nNote.\n");
});

test("a table without rows is its notes", () => {
  expect(markdownTable({ title: "T", columns: ["a"], rows: [], notes: ["Skipped: x."] })).toBe(
    "## T\n\nSkipped: x.\n",
  );
});

test("shares", () => expect(percentWithin(0.615, [0.541, 0.684])).toBe("61.5 % (54.1 to 68.4)"));
