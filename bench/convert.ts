import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureBuilt } from "../scripts/build-app.mjs";
import type { BenchOptions } from "../src/cli/bench.ts";
import { writeRandomCheckpoint } from "../src/convert/random-checkpoint.ts";
import { measureChromium } from "./convert/in-chromium.ts";
import { SHAPES } from "./convert/shapes.ts";

/**
 * Time and memory of converting a random checkpoint of the shape of Qwen3-0.6B (1.2 GB, made on the spot) to q4 and int8:
 * with the command line's code in a process of its own, and on the page in Chromium, from a local server with ranges into
 * the private file system. `--quick` takes two of the 28 layers.
 */
interface NodeFigures {
  readonly idleMb: number;
  readonly peakMb: number;
  readonly megabytes: number;
  readonly stages: readonly { readonly stage: string; readonly seconds: number; readonly peakMb: number }[];
}

export async function runSuite({ quick, io }: BenchOptions) {
  ensureBuilt();
  const shape = quick ? "wide" : "qwen3-0.6b";
  const scratch = await mkdtemp(join(tmpdir(), "unmask-bench-convert-"));
  try {
    const source = join(scratch, "source");
    io.status(`making ${shape}`);
    await writeRandomCheckpoint(source, SHAPES[shape]!);
    const checkpointMb = Math.round((await stat(join(source, "model.safetensors"))).size / 1e6);
    io.status("converting in Node");
    const args = [
      "--import",
      "tsx",
      join(import.meta.dirname, "convert/in-node.ts"),
      source,
      join(scratch, "out"),
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args, { signal: io.signal });
    const node = JSON.parse(stdout) as NodeFigures; // what in-node.ts prints
    await rm(join(scratch, "out"), { recursive: true });
    const chromium = await measureChromium(scratch, source, io.status);
    const lines = [
      `${shape}: ${checkpointMb} MB of bf16 to ${node.megabytes} MB of q4 and int8`,
      ...node.stages.map(
        ({ stage, seconds, peakMb }) => `  ${stage.padEnd(22)} ${seconds} s, ${peakMb} MB so far`,
      ),
      `Node      resident set ${node.peakMb} MB at most, ${node.idleMb} MB before`,
      `Chromium  scripts and buffers ${chromium.peakMb} MB at most, ${chromium.idleMb} MB before; ${chromium.seconds} s`,
      `          renderer ${chromium.peakResidentMb} MB at most, ${chromium.idleResidentMb} MB before; then: ${chromium.load}`,
    ];
    return { json: { shape, checkpointMb, node, chromium }, lines };
  } finally {
    await rm(scratch, { recursive: true });
  }
}
