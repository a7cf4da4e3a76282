/** The Jinja template in a `tokenizer_config.json`: a text, or the one called "default" of several by name. */
export function templateOf(config: unknown): string | undefined {
  const template = own(config, "chat_template");
  if (typeof template === "string") return template;
  const list: readonly unknown[] = Array.isArray(template) ? template : [];
  const text = own(
    list.find((entry) => own(entry, "name") === "default"),
    "template",
  );
  return typeof text === "string" ? text : undefined;
}

const SPECIAL = ["bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token"];

/** The special tokens that a `tokenizer_config.json` names, as templates are given them. */
export function specialTokens(config: unknown): Record<string, string> {
  const named = SPECIAL.map((name) => {
    const value = own(config, name);
    return [name, typeof value === "string" ? value : own(value, "content")] as const;
  });
  return Object.fromEntries(
    named.filter((entry): entry is readonly [string, string] => typeof entry[1] === "string"),
  );
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
