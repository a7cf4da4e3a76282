import type { ParseArgsConfig } from "node:util";

/** What a command may touch besides its arguments. In `--json` mode `print` and `status` are silent. */
export interface CommandIo {
  readonly json: boolean;
  /** True when stderr is a terminal that understands cursor movement. */
  readonly interactive: boolean;
  readonly signal: AbortSignal;
  /** One line of human output on stdout. */
  print(line: string): void;
  /** Transient progress on stderr, without a newline; replaces the last status. Only shown when interactive. */
  status(text: string): void;
  /** Goes to stderr as `warning[code]: message` and into `warnings` of the JSON document. */
  warn(code: string, message: string): void;
}

export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** `json` becomes the document of `--json` (with `ok` and `warnings` added); `exitCode` 1 marks failing cases. */
export interface CommandOutcome {
  readonly json: Readonly<Record<string, unknown>>;
  readonly exitCode?: 0 | 1;
}

/** One subcommand. `run` throws `UnmaskError`; code `usage` exits with 2, every other code with 1. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Arguments after the command name, as shown in help: `SRC --out DIR [--dtype LIST]`. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  /** One line an option for `unmask help <command>`. */
  readonly help: Readonly<Record<string, string>>;
  run(positionals: readonly string[], values: OptionValues, io: CommandIo): Promise<CommandOutcome>;
}
