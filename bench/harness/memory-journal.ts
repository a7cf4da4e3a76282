import * as v from "valibot";
import type { Journal } from "./journal.ts";

/** A journal that ends with the process, for tests. */
export function memoryJournal(): Journal {
  const kept = new Map<string, unknown>();
  return {
    find: (key, schema) => {
      const parsed = v.safeParse(schema, kept.get(JSON.stringify(key)));
      return parsed.success ? parsed.output : undefined;
    },
    store: (key, value) => void kept.set(JSON.stringify(key), value),
  };
}
