import { expect, test } from "vitest";
import { chooseRuntime } from "../harness/runtime.ts";
import { openTwin, sumNats } from "./twin.ts";

test("nats are those of the tokens behind the first, each by the row before it", () => {
  const logits = Float32Array.of(0, 0, 0, 0, Math.log(2), 0, 0, 0, 50, 0, 0, 9);
  const ids = [1, 2, 0, 2];
  // Row 0 is uniform over four; row 1 gives token 0 one half... of nothing else than its own row.
  expect(sumNats(logits, 4, ids.slice(0, 2), 1)).toBeCloseTo(Math.log(4), 6);
  expect(sumNats(logits, 4, ids.slice(0, 3), 2)).toBeCloseTo(Math.log(5 / 2), 6);
  expect(sumNats(logits, 4, ids, 3)).toBeCloseTo(50, 5);
  expect(sumNats(logits, 4, ids, 1)).toBeCloseTo(Math.log(4) + Math.log(5 / 2) + 50, 5);
});

test("a folder without a model is left out with a reason", async () => {
  const { platform } = await chooseRuntime("wasm");
  const ort = await platform.loadOrt("wasm", undefined);
  expect(await openTwin("/nowhere", [], ort)).toMatchObject({ skipped: expect.stringContaining("/nowhere") });
});
