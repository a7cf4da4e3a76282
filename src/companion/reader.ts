import type { Companion } from "../core/companion.ts";

/** A tensor of transformers.js. */
interface CausalTensor {
  readonly dims: readonly number[];
  readonly data: unknown;
}

type Caches = Readonly<Record<string, CausalTensor>>;

/** What is used of a causal model of transformers.js. */
export interface CausalModel {
  /** Logits `[1, S, V]` and `present.*`. */
  (inputs: Readonly<Record<string, unknown>>): Promise<Caches>;
  /** Ids of the prompt and of what follows, `[1, N]`. */
  generate(options: Readonly<Record<string, unknown>>): Promise<CausalTensor>;
  readonly generation_config: { readonly eos_token_id?: number | readonly number[] | null } | null;
}

export interface Tensors {
  longs(values: readonly number[]): unknown;
  floats(values: Float32Array, dims: readonly number[]): CausalTensor;
}

/**
 * Answers a companion's questions with a causal model. Keys and values of the ids that a question shares with the one
 * before are used again, so a proposal costs the rows that changed.
 */
export function createReader(model: CausalModel, { longs, floats }: Tensors): Companion {
  let known: { ids: readonly number[]; next: readonly number[]; caches: Caches } | undefined;

  const expect = async (ids: Int32Array): Promise<Int32Array> => {
    const shared = known === undefined ? 0 : sharedLength(known.ids, ids);
    if (known === undefined || shared < ids.length) {
      const fresh = Array.from(ids.subarray(shared));
      const out = await model({
        input_ids: longs(fresh),
        attention_mask: longs(new Array<number>(ids.length).fill(1)),
        position_ids: longs(fresh.map((_, i) => shared + i)),
        past_key_values: shared === 0 ? null : cutCaches(known!.caches, shared, floats),
      });
      const next = [...(known?.next.slice(0, shared) ?? []), ...bestIds(out["logits"]!)];
      known = { ids: Array.from(ids), next, caches: presentOf(out) };
    }
    return Int32Array.from(known.next.slice(0, ids.length));
  };

  const goOn = async (ids: Int32Array, count: number): Promise<Int32Array> => {
    const whole = await model.generate({
      inputs: longs(Array.from(ids)),
      attention_mask: longs(new Array<number>(ids.length).fill(1)),
      max_new_tokens: count,
      do_sample: false,
    });
    const written = Array.from(whole.data as BigInt64Array, Number).slice(ids.length);
    const ends = [model.generation_config?.eos_token_id ?? []].flat();
    const end = written.findIndex((id) => ends.includes(id));
    return Int32Array.from(end < 0 ? written : written.slice(0, end));
  };

  return async (ask) => {
    if (ask.ids.length === 0) return new Int32Array(0);
    return ask.kind === "expect" ? expect(ask.ids) : goOn(ask.ids, ask.count);
  };
}

function sharedLength(a: readonly number[], b: Int32Array): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

/** The largest logit of each row; the smaller id wins a tie. */
function bestIds({ dims, data }: CausalTensor): number[] {
  const vocab = dims[2] ?? 1;
  const logits = data as Float32Array;
  return Array.from({ length: dims[1] ?? 0 }, (_, row) => {
    let best = 0;
    for (let id = 1; id < vocab; id++) {
      if (logits[row * vocab + id]! > logits[row * vocab + best]!) best = id;
    }
    return best;
  });
}

function presentOf(out: Caches): Caches {
  return Object.fromEntries(
    Object.entries(out).flatMap(([name, tensor]) =>
      name.startsWith("present.") ? [[name.replace("present", "past_key_values"), tensor]] : [],
    ),
  );
}

/** The first `count` rows of every `[1, heads, T, width]`. */
function cutCaches(caches: Caches, count: number, floats: Tensors["floats"]): Caches {
  return Object.fromEntries(
    Object.entries(caches).map(([name, { dims, data }]) => {
      const [, heads = 0, rows = 0, width = 0] = dims;
      const from = data as Float32Array;
      const out = new Float32Array(heads * count * width);
      for (let head = 0; head < heads; head++) {
        out.set(from.subarray(head * rows * width, (head * rows + count) * width), head * count * width);
      }
      return [name, floats(out, [1, heads, count, width])];
    }),
  );
}
