import * as v from "valibot";

/**
 * A chat template as data: compiled when a checkpoint is converted, so that no template language runs with a model's
 * text. Each list holds token ids, literal text that is encoded together with what stands beside it, and `null` where
 * the message goes.
 */

const MAX_PARTS = 64;

const parts = v.pipe(
  v.array(
    v.union([
      v.pipe(v.number(), v.integer(), v.minValue(0)),
      v.pipe(v.string(), v.maxLength(10_000)),
      v.null(),
    ]),
  ),
  v.maxLength(MAX_PARTS),
);

export const chatTemplateSchema = v.strictObject({
  /** Before the first message. */
  start: parts,
  system: parts,
  user: parts,
  assistant: parts,
  /** Opens the answer. */
  reply: parts,
  /** What a conversation without a system message begins with. */
  defaultSystem: v.optional(v.string()),
  /** Of models that think before they answer, between `open` and `close`. */
  thinking: v.optional(
    v.strictObject({
      open: v.string(),
      close: v.string(),
      /** Stands behind `reply` when the model is to answer at once. */
      skip: parts,
    }),
  ),
});

export type ChatTemplate = v.InferOutput<typeof chatTemplateSchema>;
export type ChatParts = ChatTemplate["start"];

/** The ids a template uses, none without one. */
export function chatTokens(template: ChatTemplate | undefined): number[] {
  if (template === undefined) return [];
  const { start, system, user, assistant, reply, thinking } = template;
  return [start, system, user, assistant, reply, thinking?.skip ?? []]
    .flat()
    .filter((part) => typeof part === "number");
}
