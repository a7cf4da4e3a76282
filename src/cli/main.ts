#!/usr/bin/env node
import { parseArgs } from "node:util";
import { isUnmaskError, toUnmaskError, UnmaskError } from "../core/errors.ts";
import type { Command, CommandIo } from "./command.ts";
import { findCommand } from "./commands.ts";
import { helpCommand, helpText } from "./help.ts";

/** Entry of the `unmask` command: parses, runs one command, prints its result or one error line. */
async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes("--json");
  const warnings: { code: string; message: string }[] = [];
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  const io = createIo(json, warnings, abort.signal);
  try {
    const [name, ...rest] = argv.filter((argument) => argument !== "--json");
    if (name === undefined || name === "--help" || name === "-h") {
      process.stdout.write(`${helpText()}\n`);
      return name === undefined ? 2 : 0;
    }
    const command = name === "help" ? helpCommand(findCommand) : await findCommand(name);
    if (rest.includes("--help")) {
      process.stdout.write(`${helpText(command)}\n`);
      return 0;
    }
    const { positionals, values } = parse(command, rest);
    const outcome = await command.run(positionals, values, io);
    io.status("");
    const exitCode = outcome.exitCode ?? 0;
    if (json) process.stdout.write(`${JSON.stringify({ ok: exitCode === 0, ...outcome.json, warnings })}\n`);
    return exitCode;
  } catch (error) {
    io.status("");
    const failure = isUnmaskError(error) ? error : toUnmaskError(error);
    process.stderr.write(`error[${failure.code}]: ${failure.message.replaceAll(/\s*\n\s*/g, " ")}\n`);
    return failure.code === "usage" || failure.code === "unknown-command" ? 2 : 1;
  }
}

function parse(
  command: Command,
  args: readonly string[],
): { positionals: string[]; values: Record<string, string | boolean | (string | boolean)[] | undefined> } {
  try {
    const parsed = parseArgs({
      args: [...args],
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
  warnings: { code: string; message: string }[],
  signal: AbortSignal,
): CommandIo {
  const interactive = !json && process.stderr.isTTY === true;
  return {
    json,
    interactive,
    signal,
    print: (line) => {
      if (!json) process.stdout.write(`${line}\n`);
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

process.exitCode = await main(process.argv.slice(2));
// onnxruntime keeps worker threads alive after the last session is released.
process.exit();
