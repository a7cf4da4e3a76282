import { expect, test } from "vitest";
import { canvasOption, partsOption } from "./counts.ts";

test("lists of canvases and parts, or the error that names the option", () => {
  expect(canvasOption("128,512")).toEqual([128, 512]);
  expect(canvasOption(undefined)).toBeUndefined();
  expect(() => canvasOption("12")).toThrow(/--canvas/);
  expect(partsOption("race, accuracy", ["race", "accuracy"])).toEqual(["race", "accuracy"]);
  expect(() => partsOption("acuracy", ["race", "accuracy"])).toThrow(/Did you mean "accuracy"/);
});
