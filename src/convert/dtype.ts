import { UnmaskError } from "../core/errors.ts";

/** Number formats that weights can be converted to. */
export const DTYPES = ["f32", "f16", "q8", "q4", "q8f16", "q4f16", "int8"] as const;
/** One of {@link DTYPES}. */
export type Dtype = (typeof DTYPES)[number];
/** Of variants with weights of their own. */
export type StoredDtype = Exclude<Dtype, "int8" | "q8f16" | "q4f16">;

/** Parses `q4,int8`. @throws UnmaskError `invalid-options` */
export function parseDtypes(text: string): Dtype[] {
  return text.split(",").map((item) => {
    const found = DTYPES.find((dtype) => dtype === item.trim());
    if (found === undefined) {
      throw new UnmaskError("invalid-options", `There is no dtype "${item}"; known: ${DTYPES.join(", ")}.`);
    }
    return found;
  });
}
