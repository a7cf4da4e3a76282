import type { Denoiser, ForwardRequest, Tokenizer } from "../../core/types.ts";
import { createOracle } from "../../strategies/oracle/oracle.ts";
import { ORACLE_DEFAULTS } from "../../strategies/oracle/oracle-logits.ts";
import type { ModelFacts } from "../ask/model-facts.ts";
import type { JobModel } from "./open-run.ts";

/** A model of 64 tokens for tests: letters, the scripted oracle, no weights. 60 is BOS, 61 PAD, 62 EOS, 63 the mask. */
export const FACTS: ModelFacts = {
  name: "test",
  vocab: 64,
  attention: { kind: "full" },
  logitsShift: 0,
  maxCanvas: 96,
  tokens: { mask: 63, eos: [62], pad: 61, suppress: [60] },
  frequency: "f0".repeat(64),
  recipes: { default: "llada", quick: { preset: "fast-dllm", threshold: 0.5, block: 8 } },
  modes: { story: { prefix: [60], suffix: [] }, task: { prefix: [60, 59], suffix: [58] } },
};

const ALPHABET = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?";

const piece = (id: number): string => (id < ALPHABET.length ? ALPHABET[id]! : "");

const TOKENIZER: Tokenizer = {
  vocab: 64,
  encode: (text) => Int32Array.from([...text].map((char) => ALPHABET.indexOf(char)).filter((id) => id >= 0)),
  decode: (ids) => Array.from(ids, piece).join(""),
  piece,
};

/** `eosRate` in 256: how often a cell from row 10 on predicts the end of the text. */
export function testModel(
  eosRate = 0,
  seen: ForwardRequest[] = [],
): JobModel & { readonly denoiser: Denoiser } {
  const oracle = createOracle(4, { ...ORACLE_DEFAULTS, specials: [[62, 10, 999, eosRate]] });
  const denoiser: Denoiser = {
    vocab: 64,
    maskId: 63,
    maxCanvas: FACTS.maxCanvas,
    forward: async (request) => {
      seen.push(request);
      return oracle.forward(request);
    },
    dispose: async () => {},
  };
  return { denoiser, tokenizer: TOKENIZER, manifest: FACTS };
}
