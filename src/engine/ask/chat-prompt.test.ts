import { expect, test } from "vitest";
import type { Job } from "../../core/job.ts";
import type { ChatTemplate } from "../../model/chat-template.ts";
import { FACTS, testModel } from "../run/scripted-model.ts";
import { buildPrompt } from "./prompt.ts";

const CHAT: ChatTemplate = {
  start: [60],
  system: [59, "s ", null],
  user: [59, "u ", null],
  assistant: [59, "a ", null],
  reply: [59, "a "],
};
const { tokenizer } = testModel();
const model = { ...FACTS, chat: CHAT };
const job = (options: Job["options"], prompt = "hi"): Job => ({ kind: "generate", prompt, options });

test("a chat is one prompt of control tokens and encoded text", () => {
  const history = [{ role: "system", content: "b" } as const];
  const { ids, gaps, parts } = buildPrompt(job({ chat: { history } }), tokenizer, model);
  const text = (chars: string) => [...tokenizer.encode(chars)];
  expect(ids).toEqual([60, 59, ...text("s b"), 59, ...text("u hi"), 59, ...text("a ")]);
  expect([gaps, parts]).toEqual([[], []]);
});

test("a chat needs a template, no mode, and room", () => {
  const build =
    (options: Job["options"], facts = model, prompt?: string) =>
    () =>
      buildPrompt(job(options, prompt), tokenizer, facts);
  const invalid = expect.objectContaining({ code: "invalid-options" });
  expect(build({ chat: {} }, { ...FACTS, chat: undefined } as unknown as typeof model)).toThrow(invalid);
  expect(build({ chat: {}, mode: "story" })).toThrow(invalid);
  expect(() =>
    buildPrompt({ kind: "infill", text: "a [[2]]", options: { chat: {} } }, tokenizer, model),
  ).toThrow(invalid);
  expect(build({ chat: {} }, model, "a".repeat(100))).toThrow(
    expect.objectContaining({ code: "prompt-too-long" }),
  );
});
