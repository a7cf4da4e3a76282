import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import type { TemplateRequest } from "./jinja.ts";

/**
 * Runs a Jinja template of unknown origin. There is no budget of steps, so this belongs in a worker that is killed when
 * it takes too long. Templates see their variables and the globals below, nothing of JavaScript.
 */

/** Longer than any list of messages. */
const MAX_RANGE = 100_000;

export function runTemplate({ template, variables }: TemplateRequest, maxChars: number): string {
  const program = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...GLOBALS, ...variables })) environment.set(name, value);
  const { value } = new Interpreter(environment).run(program);
  if (typeof value !== "string") throw new Error("it gives no text");
  if (value.length > maxChars) throw new Error(`it writes ${value.length} characters, more than ${maxChars}`);
  return value;
}

/** Those of the library, but that a range is bounded. */
const GLOBALS = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  range(first: number, second?: number, step: number = 1): number[] {
    const [start, stop] = second === undefined ? [0, first] : [first, second];
    const count = Math.max(0, Math.ceil((stop - start) / step));
    if (!(count <= MAX_RANGE)) throw new Error(`its range has more than ${MAX_RANGE} numbers`);
    return Array.from({ length: count }, (_, i) => start + i * step);
  },
};
