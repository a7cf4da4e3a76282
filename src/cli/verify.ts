import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { nodeFolder } from "../convert/checkpoint/node-folder.ts";
import { type VerifyCase, type VerifyPlace, verifyCheckpoint } from "../convert/verify.ts";
import { toUnmaskError, UnmaskError, type UnmaskErrorCode } from "../core/errors.ts";
import type { Command, CommandIo, CommandOutcome } from "./command.ts";
import { openGpuBrowser } from "./gpu/gpu-browser.ts";
import { pageHost } from "./gpu/gpu-host.ts";

/** `unmask verify`: reference checkpoints against their golden numbers. */
export const verifyCommand: Command = {
  name: "verify",
  summary:
    "convert a reference checkpoint in memory and compare it with its golden numbers (quantised builds without any: with a float64 forward)",
  usage: "SRC [--backend wasm|webgpu]",
  options: { backend: { type: "string" } },
  help: {
    backend:
      "wasm (default), or webgpu: small checkpoints in a Chromium driven by playwright, on its software adapter where there is no other",
  },
  async run(positionals, values, io) {
    const [src, ...rest] = positionals;
    if (src === undefined || rest.length > 0)
      throw new UnmaskError("usage", "verify takes one folder: unmask verify SRC");
    const { backend = "wasm" } = values;
    const path = resolve(src);
    if (backend === "wasm") return verifyAll(path, io);
    if (backend === "webgpu") return verifyOnGpu(path, io);
    throw new UnmaskError("invalid-options", `There is no backend "${String(backend).slice(0, 40)}".`, {
      detail: { option: "backend" },
    });
  },
};

/** A graph that is compiled or run for longer on a software adapter hangs. */
const LIMIT_MS = 180_000;
/** Larger models are no test of kernels but a wait. */
const MAX_GPU_BYTES = 32_000_000;

async function verifyOnGpu(path: string, io: CommandIo): Promise<CommandOutcome> {
  await nodeFolder(path).names(); // before a browser is started for nothing
  io.status("starting Chromium");
  const { gpu, page, openPage } = await openGpuBrowser();
  await using host = pageHost(page, openPage, LIMIT_MS);
  // What is under way ends with its browser.
  io.signal.addEventListener("abort", () => void host[Symbol.asyncDispose](), { once: true });
  io.print(`webgpu on ${gpu.name}${gpu.software ? " (software)" : ""}`);
  const outcome = await verifyAll(path, io, {
    backend: "webgpu",
    host,
    maxBytes: MAX_GPU_BYTES,
    ...(!gpu.half && { noHalf: `the adapter ${gpu.name} has no shader-f16` }),
  });
  return { ...outcome, json: { backend: "webgpu", adapter: gpu.name, ...outcome.json } };
}

/** @param place WASM when absent */
async function verifyAll(path: string, io: CommandIo, place?: VerifyPlace): Promise<CommandOutcome> {
  const names = await nodeFolder(path).names();
  const parts: Findings[] = [];
  if (names.includes("config.json") || names.includes("quant.safetensors")) {
    parts.push(await verifyFolder(path, basename(path), place));
    report(io, parts[0]!);
  } else {
    for (const name of await caseFolders(path)) {
      if (io.signal.aborted) throw new UnmaskError("aborted", "Stopped before every case was verified.");
      io.status(name);
      const part = await verifyFolder(join(path, name), name, place).catch((error) => broken(name, error));
      io.status("");
      report(io, part);
      parts.push(part);
    }
    if (parts.length === 0) {
      throw new UnmaskError("not-found", `${path} is neither a reference checkpoint nor a folder of them.`);
    }
  }
  const cases = parts.flatMap((part) => part.cases);
  const packed = parts.flatMap((part) => part.packed);
  const skipped = parts.flatMap((part) => part.skipped);
  const pass = [...cases, ...packed].every((entry) => entry.pass);
  return { json: { cases, packed, skipped, pass }, exitCode: pass ? 0 : 1 };
}

/** A folder that could not be compared at all; it stands among the cases so that nobody takes the rest for the whole. */
interface BrokenCase {
  readonly name: string;
  readonly dtype: "none";
  readonly maxRelError: null;
  readonly argmaxAgreement: 0;
  readonly pass: false;
  readonly error: UnmaskErrorCode;
  readonly message: string;
}

interface Findings {
  readonly cases: readonly (VerifyCase | BrokenCase)[];
  /** Packed matrices of checkpoints that have cases of their own: `cases` has one entry an input, dtype and scale type. */
  readonly packed: readonly VerifyCase[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

async function verifyFolder(path: string, name: string, place?: VerifyPlace): Promise<Findings> {
  const skipped: { name: string; reason: string }[] = [];
  const skip: VerifyPlace["skip"] = (what, reason) => skipped.push({ name: what, reason });
  const all = await verifyCheckpoint(nodeFolder(path), name, place && { ...place, skip });
  const forwards = all.filter(({ against }) => against !== "packed");
  // Matrices without a checkpoint are the cases of their folder.
  if (forwards.length === 0) return { cases: all, packed: [], skipped };
  return { cases: forwards, packed: all.filter(({ against }) => against === "packed"), skipped };
}

function broken(name: string, error: unknown): Findings {
  const { code, message } = toUnmaskError(error);
  if (code === "checkpoint-unsupported") {
    return { cases: [], packed: [], skipped: [{ name, reason: message }] };
  }
  const figures = { dtype: "none", maxRelError: null, argmaxAgreement: 0 } as const;
  return { cases: [{ name, ...figures, pass: false, error: code, message }], packed: [], skipped: [] };
}

const GOLDEN_FILES = ["golden.json", "golden.safetensors", "quant.safetensors"];

/** Subfolders with a golden file, whether or not the rest of the checkpoint is there. */
async function caseFolders(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(path)) {
    // Links to folders count.
    const info = await stat(join(path, name)).catch(() => undefined);
    if (info?.isDirectory() !== true) continue;
    const files = await nodeFolder(join(path, name)).names();
    if (GOLDEN_FILES.some((file) => files.includes(file))) found.push(name);
  }
  return found.sort();
}

function report(io: CommandIo, { cases, packed, skipped }: Findings): void {
  for (const entry of [...cases, ...packed]) {
    if ("error" in entry) {
      io.print(`FAIL  ${entry.name}: ${entry.error}: ${entry.message}`);
      continue;
    }
    const { name, dtype, scales, against, maxRelError, argmaxAgreement, pass } = entry;
    const build = scales === undefined ? dtype : `${dtype}/${scales}`;
    const figures = `rel ${maxRelError.toExponential(1)}  argmax ${argmaxAgreement.toFixed(3)}  ${against}`;
    io.print(`${pass ? "pass" : "FAIL"}  ${build.padEnd(7)} ${name.padEnd(32)} ${figures}`);
  }
  for (const { name, reason } of skipped) io.print(`skip  ${name}: ${reason}`);
}
