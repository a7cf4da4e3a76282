import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeFolder } from "../../convert/checkpoint/node-folder.ts";
import { convertCheckpoint } from "../../convert/convert.ts";
import type { Dtype } from "../../convert/dtype.ts";
import { nodeTarget } from "../../convert/target/node-target.ts";
import { RATIOS } from "../../engine/record/record-states.ts";
import { QUIET_IO } from "../io/quiet-io.ts";
import { doctorCommand } from "./doctor.ts";
import type { Quality } from "./quality-table.ts";

const CHECKPOINT = fileURLToPath(new URL("../../convert/fixtures/a2d-qwen3-mdlm", import.meta.url));

let scratch = "";
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "unmask-doctor-test-"));
  const convert = (name: string, dtypes: readonly Dtype[]) =>
    convertCheckpoint(nodeFolder(CHECKPOINT), () => nodeTarget(join(scratch, name)), {
      dtypes,
      name,
      warn: () => {},
      progress: () => {},
    });
  await convert("whole", ["f32", "q8", "q4"]);
  await convert("small", ["q4"]);
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function doctor(values: Record<string, string>) {
  const lines: string[] = [];
  const io = { ...QUIET_IO, print: (line: string) => void lines.push(line) };
  const { json } = await doctorCommand.run([], values, io);
  return { quality: json["quality"] as Quality | { missing: string } | undefined, lines };
}

test("quantised weights are compared with the bundle's own f32, at every share of masks", async () => {
  const { quality, lines } = await doctor({ model: join(scratch, "whole") });
  const { variants, states, ...rest } = quality as Quality;
  expect(rest).toEqual({ reference: "f32", source: "the bundle", complete: true });
  expect(states % RATIOS.length).toBe(0);
  expect(variants.map(({ variant }) => variant)).toEqual(["q8", "q4"]);
  const [q8, q4] = variants;
  expect(q8!.ratios.map(({ ratio }) => ratio)).toEqual([...RATIOS]);
  expect(q8!.all.kl).toBeGreaterThan(0);
  expect(q8!.all.kl).toBeLessThan(q4!.all.kl);
  expect(q8!.all.agreement).toBeGreaterThan(0.9);
  expect(q8!.all.cells).toBe(q8!.ratios.reduce((sum, { cells }) => sum + cells, 0));
  expect(lines.join("\n")).toMatch(
    /quality against f32 of the bundle.*\nmasked +q8: same {2}KL +q4: same {2}KL\n95 %/,
  );
});

test("without weights to compare with it says what is missing; the checkpoint stands in for them", async () => {
  const model = join(scratch, "small");
  expect((await doctor({ model })).quality).toEqual({ missing: expect.stringContaining("--reference DIR") });
  const before = await readdir(tmpdir());
  const { quality } = await doctor({ model, reference: CHECKPOINT, seconds: "1" });
  const { reference, source, variants } = quality as Quality;
  expect([reference, source, variants.map(({ variant }) => variant)]).toEqual([
    "f32",
    CHECKPOINT,
    ["q8", "q4"],
  ]);
  const left = (await readdir(tmpdir())).filter(
    (name) => name.startsWith("unmask-doctor-") && !before.includes(name),
  );
  expect(left).toEqual([]);
});

test("seconds are a number, and a folder that is no checkpoint is an error", async () => {
  const model = join(scratch, "small");
  await expect(doctor({ model, seconds: "0" })).rejects.toMatchObject({ code: "invalid-options" });
  await expect(doctor({ model, reference: join(scratch, "missing") })).rejects.toMatchObject({
    code: "not-found",
  });
});
