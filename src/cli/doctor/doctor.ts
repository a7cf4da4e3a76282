import { availableParallelism, totalmem } from "node:os";
import { toUnmaskError, UnmaskError, type UnmaskErrorCode } from "../../core/errors.ts";
import { openNodeEngine } from "../../runtime/host/node-engine.ts";
import type { Command, CommandIo, OptionValues } from "../command.ts";
import { modelOption, numberOption } from "../generate/generation-options.ts";
import { measureQuality, type QualityOptions } from "./doctor-quality.ts";
import { qualityLines } from "./quality-table.ts";

/** One backend of this machine: works, with the self-test's numbers, or does not, with the reason. */
interface BackendReport {
  readonly name: string;
  readonly works: boolean;
  readonly reason: string;
  readonly threads?: number;
  readonly variant?: string;
  readonly loadMs?: number;
  readonly msPerForward?: number;
  readonly selfTest?: { readonly maxError: number; readonly tolerance: number };
  readonly error?: string;
}

const FORWARDS = 8;
/** Failures that say something about the machine. Anything else is about the bundle or the caller. */
const FINDINGS: ReadonlySet<UnmaskErrorCode> = new Set([
  "golden-mismatch",
  "backend-unavailable",
  "out-of-memory",
  "internal",
]);

export const doctorCommand: Command = {
  name: "doctor",
  summary: "say which backends work here, the limits, and whether the model computes rightly",
  usage: "[--model DIR] [--reference DIR] [--seconds N]",
  options: { model: { type: "string" }, reference: { type: "string" }, seconds: { type: "string" } },
  help: {
    model:
      "bundle for the self-test (default: the embedded model); its quantised weights are compared with its f32 or f16",
    reference: "checkpoint folder of the bundle, where it has no f32 or f16 weights itself",
    seconds: "time for the comparison (default 120); what is under way is finished",
  },
  async run(positionals, values, io) {
    if (positionals.length > 0) throw new UnmaskError("usage", "doctor takes options only.");
    const model = modelOption(values);
    const reference = typeof values["reference"] === "string" ? values["reference"] : undefined;
    const seconds = secondsOption(values);
    const cores = availableParallelism();
    const backends: BackendReport[] = [await tryWasm(model, io)];
    backends.push({
      name: "webgpu",
      works: false,
      reason: "Node has no WebGPU; the demo page says what the browser offers.",
    });
    const limits = { cores, memoryBytes: totalmem(), wasmMemoryBytes: 2 ** 32, node: process.version };
    for (const { name, works, reason, msPerForward, selfTest } of backends) {
      const speed = msPerForward === undefined ? "" : ` ${msPerForward.toFixed(1)} ms per forward.`;
      const test =
        selfTest === undefined ? "" : ` Logits off by at most ${selfTest.maxError.toPrecision(2)}.`;
      io.print(`${works ? "works " : "no    "} ${name}: ${reason}${speed}${test}`);
    }
    io.print(
      `limits  ${cores} cores, ${(limits.memoryBytes / 1e9).toFixed(1)} GB of memory, Node ${limits.node}`,
    );
    const pass = backends[0]!.works;
    // Without a word about a model only the machine is looked at.
    const isAsked = values["model"] !== undefined || reference !== undefined;
    const quality = pass && isAsked ? await compareWeights(model, { reference, seconds }, io) : undefined;
    const json = { model, backends, limits, ...(quality === undefined ? {} : { quality }), pass };
    return { json, exitCode: pass ? 0 : 1 };
  },
};

async function compareWeights(model: string, options: QualityOptions, io: CommandIo) {
  const quality = await measureQuality(model, options, io);
  io.status("");
  const lines = typeof quality === "string" ? [`quality not measured: ${quality}`] : qualityLines(quality);
  for (const line of lines) io.print(line);
  return typeof quality === "string" ? { missing: quality } : quality;
}

function secondsOption(values: OptionValues): number {
  const seconds = numberOption(values, "seconds") ?? 120;
  if (seconds >= 1 && seconds <= 86_400) return seconds;
  throw new UnmaskError("invalid-options", `--seconds is a number from 1 to 86400, got ${seconds}.`, {
    detail: { option: "seconds" },
  });
}

async function tryWasm(model: string, io: CommandIo): Promise<BackendReport> {
  const name = "wasm";
  io.status("trying wasm");
  const began = performance.now();
  try {
    await using engine = await openNodeEngine({ model, signal: io.signal });
    const loadMs = performance.now() - began;
    const { reason, threads, variant, selfTest } = engine.info;
    const msPerForward = await forwardTime(engine);
    const facts = { threads, variant, loadMs, msPerForward, ...(selfTest ? { selfTest } : {}) };
    return { name, works: true, reason, ...facts };
  } catch (cause) {
    const { code, message } = toUnmaskError(cause);
    if (!FINDINGS.has(code)) throw cause;
    return { name, works: false, reason: message, error: code };
  }
}

/** Median milliseconds a forward over a short text, the first one left out. */
async function forwardTime(engine: Awaited<ReturnType<typeof openNodeEngine>>): Promise<number> {
  const times: number[] = [];
  for await (const event of engine.generate("Once upon a time", { maxNewTokens: FORWARDS })) {
    if (event.type === "forward" && event.ms !== undefined) times.push(event.ms);
  }
  const gaps = times.slice(1).map((ms, i) => ms - times[i]!);
  return gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
}
