#!/usr/bin/env node
import { parseArgs } from "node:util";
import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import { joinValues } from "./arguments.ts";
import type { Command, CommandIo, CommandOutcome } from "./command.ts";
import { COMMAND_NAMES, findCommand } from "./commands.ts";
import { helpCommand } from "./help/help.ts";
import { createOutput, type Output } from "./io/output.ts";

/** Signals that end a command tidily, with the exit code a shell expects. A second one ends it at once. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Entry of the `unmask` command: parses, runs one command, prints its result or one error line. */
async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  let interrupted: number | undefined;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      interrupted = code;
      stop.abort();
    });
  }
  const json = argv.includes("--json");
  const warnings: { code: string; message: string }[] = [];
  const output = createOutput(process.stdout, () => stop.abort());
  process.stderr.on("error", () => {}); // Nobody reads the messages: the work goes on.
  const io = createIo(json, output, warnings, stop.signal);
  try {
    const outcome = await run(
      argv.filter((argument) => argument !== "--json"),
      io,
    );
    io.status("");
    // A command that was too quick to notice the signal has not done what its caller wanted either.
    if (interrupted !== undefined) throw new UnmaskError("aborted", "Stopped.");
    const exitCode = outcome.exitCode ?? 0;
    if (json) output.write(`${JSON.stringify({ ok: exitCode === 0, ...outcome.json, warnings })}\n`);
    await output.end();
    return exitCode;
  } catch (error) {
    if (output.closed && interrupted === undefined) return 0;
    io.status("");
    const { code, message } = toUnmaskError(error);
    process.stderr.write(`error[${code}]: ${message.replaceAll(/\s*\n\s*/g, " ")}\n`);
    if (interrupted !== undefined) return interrupted;
    return code === "usage" || code === "unknown-command" ? 2 : 1;
  }
}

async function run(argv: readonly string[], io: CommandIo): Promise<CommandOutcome> {
  const [name, ...rest] = argv;
  const help = helpCommand(findCommand);
  if (name === undefined) {
    throw new UnmaskError("usage", `Name a command: ${COMMAND_NAMES.join(", ")}. See unmask help.`);
  }
  if (name === "--help" || name === "-h") return await help.run([], {}, io);
  if (rest.includes("--help") || rest.includes("-h")) return await help.run([name], {}, io);
  const command = name === "help" ? help : await findCommand(name);
  const { positionals, values } = parse(command, rest);
  return await command.run(positionals, values, io);
}

function parse(
  command: Command,
  args: readonly string[],
): { positionals: string[]; values: Record<string, string | boolean | (string | boolean)[] | undefined> } {
  try {
    const parsed = parseArgs({
      args: joinValues(args, command.options),
      options: command.options,
      allowPositionals: true,
      strict: true,
    });
    return { positionals: parsed.positionals, values: parsed.values };
  } catch (error) {
    const message = error instanceof Error ? error.message.split(". ")[0] : String(error);
    throw new UnmaskError("usage", `${message}. Usage: unmask ${command.name} ${command.usage}`);
  }
}

function createIo(
  json: boolean,
  output: Output,
  warnings: { code: string; message: string }[],
  signal: AbortSignal,
): CommandIo {
  const interactive = !json && process.stderr.isTTY === true;
  return {
    json,
    interactive,
    signal,
    print: (line) => {
      if (!json) output.write(`${line}\n`);
    },
    status: (text) => {
      if (interactive) process.stderr.write(`\r\u001b[2K${text}`);
    },
    warn: (code, message) => {
      warnings.push({ code, message });
      process.stderr.write(`warning[${code}]: ${message}\n`);
    },
  };
}

// onnxruntime keeps worker threads alive after the last session is released.
process.exit(await main(process.argv.slice(2)));
