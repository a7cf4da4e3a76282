import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** A Python with what training/requirements.txt names; PYTHON chooses one. */
const PYTHON = process.env["PYTHON"] ?? "python3";
const run = (args: readonly string[]) =>
  spawnSync(PYTHON, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
const isReady = run(["-c", "import torch, numpy, tokenizers, safetensors"]).status === 0;

test.skipIf(!isReady)(
  "tasks, story worlds, training rows and attention hold what the self-test of the training says (needs PYTHON with torch)",
  () => {
    const { status, stdout, stderr } = run(["-m", "training.selftest"]);
    expect(stderr.split("\n").slice(-12).join("\n")).toBe("");
    expect(status).toBe(0);
    expect(stdout.match(/^check_\w+: ok$/gm)?.length).toBeGreaterThan(9);
  },
);
