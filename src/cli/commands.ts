import { UnmaskError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { Command } from "./command.ts";

/** Every subcommand, loaded only when it is the one asked for: `help` should not pay for the runtime. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  generate: async () => (await import("./generate/generate.ts")).generateCommand,
  infill: async () => (await import("./generate/infill.ts")).infillCommand,
  convert: async () => (await import("./convert.ts")).convertCommand,
  verify: async () => (await import("./verify.ts")).verifyCommand,
  replay: async () => (await import("./replay.ts")).replayCommand,
  inspect: async () => (await import("./inspect.ts")).inspectCommand,
  assets: async () => (await import("./assets.ts")).assetsCommand,
  doctor: async () => (await import("./doctor/doctor.ts")).doctorCommand,
  bench: async () => (await import("./bench.ts")).benchCommand,
  fit: async () => (await import("./fit/fit.ts")).fitCommand,
  eval: async () => (await import("./eval.ts")).evalCommand,
};

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** @throws UnmaskError `unknown-command` naming the nearest known command. */
export async function findCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    const near = nearest(name, [...COMMAND_NAMES, "help"]);
    throw new UnmaskError(
      "unknown-command",
      `There is no command "${name}". Did you mean "${near}"? See unmask help.`,
    );
  }
  return await load();
}
