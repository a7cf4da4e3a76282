import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test("finds the candidate that needs the fewest edits", () => {
  expect(nearest("fastdllm", ["llada", "fast-dllm", "dream"])).toBe("fast-dllm");
  expect(nearest("genrate", ["infill", "generate"])).toBe("generate");
});

test("prefers the earlier candidate on ties and survives an empty list", () => {
  expect(nearest("x", ["a", "b"])).toBe("a");
  expect(nearest("x", [])).toBe("");
});
