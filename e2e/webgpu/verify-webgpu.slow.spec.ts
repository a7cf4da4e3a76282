import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";
import { test } from "../support/strict-test.ts";
import { FIXTURES, faultsOf, noHalf, type Verified, verifyOnGpu } from "./gpu-cases.ts";

const SHARED = fileURLToPath(new URL("../../../shared/checkpoints", import.meta.url));

test.describe.configure({ mode: "serial" });

for (const [what, folder] of [
  ["of the fixtures", FIXTURES],
  ["of ../shared/checkpoints", SHARED],
] as const) {
  let verified: Verified;
  test(`every reference checkpoint ${what} is within the gates of WebGPU`, async () => {
    test.skip(!existsSync(folder), "../shared/checkpoints is not here");
    // A minute a case on two busy cores.
    test.setTimeout(3_600_000);
    verified = await verifyOnGpu(folder);
    expect(faultsOf(verified)).toEqual([]);
    expect(verified.cases.length).toBeGreaterThan(100);
  });

  test(`and in f16, ${what}`, () => {
    test.skip(!existsSync(folder), "../shared/checkpoints is not here");
    const reason = noHalf(verified);
    test.skip(reason !== undefined, reason);
    expect(verified.cases.some(({ dtype }) => dtype === "f16")).toBe(true);
  });
}
