import { isUnmaskError, openEngine } from "unmask";
import { UnmaskTextElement } from "unmask/element";
import { defineUnmaskText } from "unmask/element/define";
import "unmask/worker";

/** What a program writes, against the built declarations. Compiled, never run. */
export async function write(): Promise<string | undefined> {
  defineUnmaskText();
  const sheet = document.createElement("unmask-text");
  sheet.recipe = { preset: "llada" };
  sheet.model = null;
  document.addEventListener("unmask-error", () => {});
  document.body.addEventListener("unmask-error", ({ detail }) => detail.code === "busy");
  await using engine = await openEngine({
    model: "models/default/",
    onProgress: ({ phase }) => phase.trim(),
  });
  for await (const event of engine.generate("Once", { recipe: "fast-dllm", seed: 7 })) {
    if (event.type === "done") return event.text;
  }
  return isUnmaskError(sheet) ? sheet.code : undefined;
}

export class OwnElement extends UnmaskTextElement {}
