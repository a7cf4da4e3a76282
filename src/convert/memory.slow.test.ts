import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { SHAPES } from "../../bench/convert/shapes.ts";
import { writeRandomCheckpoint } from "./random-checkpoint.ts";

const SCRIPT = fileURLToPath(new URL("../../bench/convert/in-node.ts", import.meta.url));
/** 300 MB, and the largest block of rows: 2 M values of f32. */
const ROOM_MB = 308;

test("a conversion with its golden forwards needs 300 MB beside a block of rows, whatever the size of the model", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "unmask-memory-"));
  try {
    const source = join(scratch, "source");
    await writeRandomCheckpoint(source, SHAPES["wide"]!);
    const args = ["--import", "tsx", SCRIPT, source, join(scratch, "out")];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { idleMb, peakMb, megabytes } = JSON.parse(stdout) as Record<string, number>;
    expect(megabytes).toBeGreaterThan(170);
    expect(peakMb! - idleMb!).toBeLessThan(ROOM_MB);
  } finally {
    await rm(scratch, { recursive: true });
  }
}, 1_800_000);
