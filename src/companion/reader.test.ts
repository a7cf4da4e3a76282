import { expect, test } from "vitest";
import { type CausalModel, createReader } from "./reader.ts";

const VOCAB = 7;

/**
 * A model whose guess behind a token is the sum of all tokens so far, modulo 7. Its cache holds the tokens, one a row,
 * twice over two heads: whoever cuts it wrongly gets other sums.
 */
function summingModel() {
  const computed: number[][] = [];
  const model = async (inputs: Record<string, unknown>) => {
    const fresh = inputs["input_ids"] as number[];
    const positions = inputs["position_ids"] as number[];
    const past = inputs["past_key_values"] as Record<string, { data: Float32Array; dims: number[] }> | null;
    computed.push(fresh);
    const cache = past?.["past_key_values.0.key"];
    const before = Array.from(cache?.data.subarray(0, (cache.dims[2] ?? 0) * 2) ?? []).filter(
      (_, i) => i % 2 === 0,
    );
    const again = Array.from(cache?.data.subarray((cache.dims[2] ?? 0) * 2) ?? []).filter(
      (_, i) => i % 2 === 0,
    );
    expect(again).toEqual(before);
    expect(positions).toEqual(fresh.map((_, i) => before.length + i));
    expect(inputs["attention_mask"]).toHaveLength(before.length + fresh.length);
    const all = [...before, ...fresh];
    const logits = new Float32Array(fresh.length * VOCAB);
    for (const i of fresh.keys()) {
      const sum = all.slice(0, before.length + i + 1).reduce((total, id) => total + id, 0);
      logits[i * VOCAB + (sum % VOCAB)] = 1;
    }
    const head = all.flatMap((id) => [id, -id]);
    const dims = [1, 2, all.length, 2];
    return {
      logits: { data: logits, dims: [1, fresh.length, VOCAB] },
      "present.0.key": { data: Float32Array.from([...head, ...head]), dims },
    };
  };
  const generate = async (options: Record<string, unknown>) => {
    const ids = options["inputs"] as number[];
    const more = Array.from({ length: options["max_new_tokens"] as number }, (_, i) => (i === 3 ? 6 : i));
    return { data: BigInt64Array.from([...ids, ...more], BigInt), dims: [1, ids.length + more.length] };
  };
  const causal = Object.assign(model, { generate, generation_config: { eos_token_id: 6 } }) as CausalModel;
  const reader = createReader(causal, {
    longs: (values) => [...values],
    floats: (data, dims) => ({ data, dims }),
  });
  return { reader, computed };
}

test("answers for every row, and computes only what changed since the last question", async () => {
  const { reader, computed } = summingModel();
  const ask = async (...ids: number[]) =>
    Array.from(await reader({ kind: "expect", ids: Int32Array.from(ids) }));
  expect(await ask(1, 2, 3, 4)).toEqual([1, 3, 6, 3]);
  expect(await ask(1, 2, 5, 5, 1)).toEqual([1, 3, 1, 6, 0]);
  expect(await ask(1, 2, 5)).toEqual([1, 3, 1]);
  expect(await ask(1, 2, 5, 5, 1)).toEqual([1, 3, 1, 6, 0]);
  expect(await ask(4)).toEqual([4]);
  expect(computed).toEqual([[1, 2, 3, 4], [5, 5, 1], [4]]);
  expect(await ask()).toEqual([]);
});

test("goes on with what the model writes, up to the end of the text", async () => {
  const { reader } = summingModel();
  const ids = Int32Array.of(5, 5);
  expect(Array.from(await reader({ kind: "continue", ids, count: 3 }))).toEqual([0, 1, 2]);
  expect(Array.from(await reader({ kind: "continue", ids, count: 9 }))).toEqual([0, 1, 2]);
});
