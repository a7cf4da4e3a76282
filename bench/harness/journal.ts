import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { UnmaskError } from "../../src/core/errors.ts";

/** Results of finished pieces of work, on disk, so that a run that was killed goes on where it stopped. */
export interface Journal {
  /** The stored value of `key`, when there is one that satisfies `schema`. */
  find<T>(key: readonly string[], schema: v.GenericSchema<unknown, T>): T | undefined;
  /** Stores a value; it is on disk when this returns. Values are plain data. */
  store(key: readonly string[], value: unknown): void;
}

const lineSchema = v.object({ key: v.array(v.string()), value: v.unknown() });

/**
 * JSON lines of `{key, value}`; the last line of a key wins. Lines that are not whole, as a killed run leaves one, count
 * as absent.
 *
 * @throws UnmaskError `write-failed`
 */
export function openJournal(path: string): Journal {
  const known = new Map<string, unknown>();
  try {
    mkdirSync(dirname(path), { recursive: true });
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    for (const line of text.split("\n")) {
      const parsed = v.safeParse(lineSchema, parseJson(line));
      if (parsed.success) known.set(JSON.stringify(parsed.output.key), parsed.output.value);
    }
    appendFileSync(path, text === "" || text.endsWith("\n") ? "" : "\n");
  } catch (cause) {
    throw notWritable(path, cause);
  }
  return {
    find(key, schema) {
      const parsed = v.safeParse(schema, known.get(JSON.stringify(key)));
      return parsed.success ? parsed.output : undefined;
    },
    store(key, value) {
      try {
        appendFileSync(path, `${JSON.stringify({ key, value })}\n`);
      } catch (cause) {
        throw notWritable(path, cause);
      }
      known.set(JSON.stringify(key), value);
    },
  };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function notWritable(path: string, cause: unknown): UnmaskError {
  return new UnmaskError("write-failed", `The journal ${path} cannot be written: ${String(cause)}`, {
    cause,
  });
}
