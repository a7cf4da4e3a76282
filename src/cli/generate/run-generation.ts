import { resolve } from "node:path";
import { splitThinking } from "../../chat/thinking.ts";
import { type OpenCompanion, openCompanion } from "../../companion/open-companion.ts";
import { UnmaskError } from "../../core/errors.ts";
import type { GenerateEvent, Trace } from "../../core/events.ts";
import type { GenerateOptions, Job } from "../../core/job.ts";
import { openNodeEngine } from "../../runtime/host/node-engine.ts";
import type { CommandIo, CommandOutcome, OptionValues } from "../command.ts";
import { checkResultPath, writeResult } from "../io/result-file.ts";
import { modelOption, numberOption } from "./generation-options.ts";
import { createTerminalCanvas } from "./terminal-canvas.ts";

type Done = Extract<GenerateEvent, { type: "done" }>;
type Start = Extract<GenerateEvent, { type: "start" }>;

/** Opens the model, runs one job, shows it, and returns the document that architecture.md 5.2 specifies. */
export async function runGeneration(
  kind: Job["kind"],
  text: string,
  options: GenerateOptions,
  values: OptionValues,
  io: CommandIo,
): Promise<CommandOutcome> {
  const threads = numberOption(values, "threads");
  const variant = values["variant"];
  const backend = values["backend"];
  if (backend === "webgpu") {
    throw new UnmaskError("backend-unavailable", "The command line runs on wasm; webgpu needs a browser.");
  }
  if (backend !== undefined && backend !== "wasm" && backend !== "auto") {
    throw new UnmaskError("invalid-options", `There is no backend "${String(backend).slice(0, 40)}".`, {
      detail: { option: "backend" },
    });
  }
  const trace = typeof values["trace"] === "string" ? values["trace"] : undefined;
  if (trace !== undefined) await checkResultPath("trace", trace);
  await using engine = await openNodeEngine({
    model: modelOption(values),
    signal: io.signal,
    onProgress: (event) =>
      io.status(
        `${event.phase} ${(event.bytes / 1e6).toFixed(1)} of ${(event.totalBytes / 1e6).toFixed(1)} MB`,
      ),
    ...(threads === undefined ? {} : { threads }),
    ...(typeof variant === "string" ? { variant } : {}),
  });
  io.status("");
  const show = io.interactive
    ? createTerminalCanvas(
        () => process.stderr.columns ?? 80,
        (chunk) => process.stderr.write(chunk),
      )
    : undefined;
  await using reader = await companionOption(values);
  const companion = reader === undefined ? {} : { companion: reader.companion };
  const events: GenerateEvent[] = [];
  let start: Start | undefined;
  let done: Done | undefined;
  const run = kind === "generate" ? engine.generate : engine.infill;
  for await (const event of run(text, { ...options, ...companion, signal: io.signal })) {
    events.push(event);
    show?.(event);
    if (event.type === "start") start = event;
    if (event.type === "done") done = event;
  }
  if (start === undefined || done === undefined)
    throw new UnmaskError("internal", "The engine ended without a result.");
  if (done.reason === "aborted") {
    throw new UnmaskError("aborted", "Stopped before the text was finished.");
  }
  if (trace !== undefined) {
    const { recipe, seed, canvas, promptLen } = start;
    const prompt = { text, ids: canvas.slice(0, promptLen) };
    const log: Trace = { schema: 1, model: engine.info.name, recipe, seed, prompt, events };
    await writeResult("trace", trace, log);
  }
  const { text: answer, thoughts } =
    options.chat === undefined
      ? { text: done.text ?? "", thoughts: undefined }
      : splitThinking(done.text ?? "");
  if (!io.interactive) io.print(answer);
  const ms = done.ms ?? 0;
  return {
    json: {
      text: answer,
      ...(thoughts !== undefined && { thoughts }),
      ...(kind === "infill" ? { filled: done.filled ?? [] } : {}),
      tokens: done.tokens,
      nfe: done.nfe,
      branchNfe: done.branchNfe ?? done.nfe,
      rows: done.rows,
      steps: done.steps,
      effectiveTokens: done.effectiveTokens,
      ms,
      msPerForward: done.nfe === 0 ? 0 : ms / done.nfe,
      backend: engine.info.backend,
      reason: engine.info.reason,
      variant: engine.info.variant,
      ...(done.instability === undefined ? {} : { instability: done.instability, doubts: done.doubts ?? [] }),
      done: done.reason,
      ...(done.search === undefined ? {} : { search: done.search }),
      recipe: start.recipe,
      seed: start.seed,
    },
  };
}

/** `--companion`, opened. @throws UnmaskError */
async function companionOption({ companion }: OptionValues): Promise<OpenCompanion | undefined> {
  if (typeof companion !== "string") return undefined;
  if (companion.trim() === "") throw new UnmaskError("usage", "--companion needs a folder.");
  return openCompanion({ model: resolve(companion) });
}
