import type { CommandIo } from "../command.ts";

/** Runs a command in a test: nothing is printed, and the document of `--json` is what counts. */
export const QUIET_IO: CommandIo = {
  json: true,
  interactive: false,
  signal: new AbortController().signal,
  print: () => {},
  status: () => {},
  warn: () => {},
};
