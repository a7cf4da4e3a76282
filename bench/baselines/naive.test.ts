import { expect, test } from "vitest";
import { runJob } from "../../src/engine/run/run-job.ts";
import { testModel } from "../../src/engine/run/scripted-model.ts";
import { ORACLE_DEFAULTS, oracleLogits } from "../../src/strategies/oracle/oracle-logits.ts";
import { naiveLoop } from "./naive.ts";

const MODEL = testModel();
const PROMPT = [60, ...MODEL.tokenizer.encode("abc")];
const OPTIONS = { maskId: 63, block: 8, vocab: 64, suppress: [63, 60] };

/** The logits of the scripted model, all rows of them. */
async function forward(ids: Int32Array): Promise<Float32Array> {
  const parameters = {
    ...ORACLE_DEFAULTS,
    specials: [[62, 10, 999, 0]] as [number, number, number, number][],
  };
  const logits = new Float32Array(ids.length * 64);
  for (const row of ids.keys()) {
    oracleLogits(4, ids, row, parameters, logits.subarray(row * 64, (row + 1) * 64));
  }
  return logits;
}

async function engine(recipe: object) {
  const options = { recipe: { block: 8, stop: { eos: false }, ...recipe }, maxNewTokens: 20, mode: "story" };
  for await (const event of runJob({ kind: "generate", prompt: "abc", options }, MODEL, {
    stop: () => false,
  })) {
    if (event.type === "done") return { tokens: event.tokens, forwards: event.nfe };
  }
  throw new Error("no end");
}

test("writes what the engine writes at one token a step, in as many forwards as there are cells", async () => {
  const { ids, forwards } = await naiveLoop(forward, PROMPT, 20, OPTIONS);
  expect({ tokens: [...ids.subarray(PROMPT.length)], forwards }).toEqual(await engine({ preset: "llada" }));
  expect(forwards).toBe(20);
});

test("with a threshold it writes what the engine's threshold decoder writes", async () => {
  const { ids, forwards } = await naiveLoop(forward, PROMPT, 20, { ...OPTIONS, threshold: 0.5 });
  const ours = await engine({ preset: "fast-dllm", threshold: 0.5 });
  expect({ tokens: [...ids.subarray(PROMPT.length)], forwards }).toEqual(ours);
  expect(forwards).toBeLessThan(20);
});

test("stops after as many blocks as are asked for", async () => {
  const { ids, forwards } = await naiveLoop(forward, PROMPT, 20, { ...OPTIONS, blocks: 1 });
  const whole = await naiveLoop(forward, PROMPT, 20, OPTIONS);
  const filled = PROMPT.length + OPTIONS.block;
  expect([...ids.subarray(0, filled)]).toEqual([...whole.ids.subarray(0, filled)]);
  expect(ids.subarray(filled).every((id) => id === OPTIONS.maskId)).toBe(true);
  expect(forwards).toBe(OPTIONS.block);
});
