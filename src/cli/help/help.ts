import { UnmaskError } from "../../core/errors.ts";
import type { Command } from "../command.ts";
import { recipeSchema, recipeText } from "./help-recipe.ts";

const OVERVIEW = `unmask: diffusion language models, from the command line

  generate  write a text from a prompt
  infill    fill the gaps of a text: [[8]] or [[?]]
  convert   turn a checkpoint folder into a bundle
  verify    check the converter against a reference checkpoint
  replay    run golden trajectories through the decoders
  inspect   say what a checkpoint or bundle is
  assets    copy runtime and model to where a page can fetch them
  doctor    say what works on this machine
  bench     measure
  eval      score a bundle on held-out prompts
  fit       fit a commit filter (learn2pd) or a schedule of steps to a bundle

Every command takes --json (one JSON document on stdout) and --help.
unmask help recipe --json prints the JSON Schema of a recipe.`;

/** Help of one command, or the overview. */
function helpText(command?: Command): string {
  if (command === undefined) return OVERVIEW;
  const lines = Object.keys(command.options).map(
    (name) => `  --${name.padEnd(18)} ${command.help[name] ?? ""}`,
  );
  return [`unmask ${command.name} ${command.usage}`, "", command.summary, "", ...lines].join("\n").trimEnd();
}

/** The help command; the registry of commands is handed in because it must not import its own reader. */
export const helpCommand = (findCommand: (name: string) => Promise<Command>): Command => {
  const command: Command = {
    name: "help",
    summary: "Explains a command, or the keys of a recipe.",
    usage: "[COMMAND | recipe]",
    options: {},
    help: {},
    async run(positionals, _values, io) {
      const [topic] = positionals;
      if (positionals.length > 1) throw new UnmaskError("usage", "Usage: unmask help [COMMAND | recipe]");
      if (topic === "recipe") {
        io.print(recipeText());
        return { json: recipeSchema() };
      }
      const about = topic === "help" ? command : topic === undefined ? undefined : await findCommand(topic);
      const text = helpText(about);
      io.print(text);
      return { json: { text } };
    },
  };
  return command;
};
