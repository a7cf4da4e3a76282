import type { Command } from "./command.ts";

/**
 * Joins `--option -value` to `--option=-value`: `parseArgs` calls the former ambiguous, but negative numbers and prompts
 * that begin with a dash are ordinary values here. What names an option of the command is not taken as a value.
 */
export function joinValues(args: readonly string[], options: Command["options"]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const argument = args[at]!;
    if (argument === "--") return [...joined, ...args.slice(at)];
    const next = args[at + 1];
    const takesText = argument.startsWith("--") && optionOf(options, argument)?.type === "string";
    if (takesText && next?.startsWith("-") && optionOf(options, next.split("=")[0]!) === undefined) {
      joined.push(`${argument}=${next}`);
      at++;
    } else joined.push(argument);
  }
  return joined;
}

function optionOf(options: Command["options"], argument: string): Command["options"][string] | undefined {
  const name = argument.slice(2);
  return argument.startsWith("--") && Object.hasOwn(options, name) ? options[name] : undefined;
}
