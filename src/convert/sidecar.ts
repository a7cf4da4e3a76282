import * as v from "valibot";
import { UnmaskError } from "../core/errors.ts";
import type { CheckpointFolder } from "./checkpoint/byte-source.ts";
import { readJson } from "./checkpoint/checkpoint.ts";
import type { TokenIds } from "./tokens.ts";

/** What a checkpoint cannot say about itself: `unmask.bundle.json` beside its `config.json`. Every field is optional. */

export const SIDECAR = "unmask.bundle.json";

const id = v.pipe(v.number(), v.integer(), v.minValue(0));

const sidecarSchema = v.strictObject({
  name: v.optional(v.string()),
  licence: v.optional(v.string()),
  source: v.optional(v.string()),
  profile: v.optional(v.string()),
  maxCanvas: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(65_536))),
  tokens: v.optional(
    v.strictObject({
      mask: v.optional(id),
      eos: v.optional(v.array(id)),
      pad: v.optional(id),
      bos: v.optional(id),
    }),
  ),
  /** Ids that are never generated. */
  suppress: v.optional(v.array(id)),
  frequency: v.optional(v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/))),
  modes: v.optional(v.record(v.string(), v.strictObject({ prefix: v.array(id), suffix: v.array(id) }))),
  recipes: v.optional(v.intersect([v.object({ default: v.unknown() }), v.record(v.string(), v.unknown())])),
});

export type Sidecar = v.InferOutput<typeof sidecarSchema>;

/** The sidecar of a folder, or an empty one. @throws UnmaskError `checkpoint-invalid` naming the field. */
export async function readSidecar(folder: CheckpointFolder): Promise<Sidecar> {
  if (!(await folder.names()).includes(SIDECAR)) return {};
  const result = v.safeParse(sidecarSchema, await readJson(folder, SIDECAR));
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new UnmaskError(
    "checkpoint-invalid",
    `${SIDECAR} is wrong at ${v.getDotPath(issue)}: ${issue.message}`,
  );
}

/** The special ids a sidecar and a caller name; what neither does is left out. */
export function givenTokens({ tokens = {}, suppress }: Sidecar, mask?: number): Partial<TokenIds> {
  const { eos, pad, bos } = tokens;
  const chosen = mask ?? tokens.mask;
  return {
    ...(chosen !== undefined && { mask: chosen }),
    ...(eos !== undefined && { eos }),
    ...(pad !== undefined && { pad }),
    ...(bos !== undefined && { bos }),
    ...(suppress !== undefined && { suppress }),
  };
}
