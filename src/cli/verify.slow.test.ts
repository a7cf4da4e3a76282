import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { QUIET_IO } from "./io/quiet-io.ts";
import { verifyCommand } from "./verify.ts";

const CASES = fileURLToPath(new URL("../../../shared/checkpoints", import.meta.url));
test.skipIf(!existsSync(CASES))(
  "every reference checkpoint of a known family is within its gate (needs ../shared/checkpoints)",
  async () => {
    const outcome = await verifyCommand.run([CASES], {}, QUIET_IO);
    const { cases } = outcome.json as { cases: { name: string; pass: boolean }[] }; // the document of `verify --json`
    expect(cases.filter((entry) => !entry.pass).map((entry) => entry.name)).toEqual([]);
    expect(cases.length).toBeGreaterThan(50);
    expect(outcome.exitCode ?? 0).toBe(0);
  },
);
