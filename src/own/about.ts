import * as v from "valibot";
import type { OwnLeftover } from "./protocol.ts";

const aboutSchema = v.object({
  name: v.string(),
  origin: v.optional(v.string()),
  choice: v.object({
    dtype: v.picklist(["q4", "q8", "f16", "f32"]),
    profile: v.optional(v.string()),
    mask: v.optional(v.number()),
  }),
});

/** What is kept with an unfinished conversion, for whoever lists them. */
export type About = Pick<OwnLeftover, "name" | "origin" | "choice">;

/** Reads what {@link About} was written as. What a run that was killed early wrote may be cut. */
export function parseAbout(text: string): About {
  try {
    const { name, origin, choice } = v.parse(aboutSchema, JSON.parse(text));
    const { dtype, profile, mask } = choice;
    return {
      name,
      ...(origin !== undefined && { origin }),
      choice: { dtype, ...(profile !== undefined && { profile }), ...(mask !== undefined && { mask }) },
    };
  } catch {
    return { name: "a model", choice: { dtype: "q4" } };
  }
}
