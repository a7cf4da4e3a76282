import { UnmaskError } from "../core/errors.ts";

/**
 * The names that other programs use, so that their users find their settings: llama.cpp's `--diffusion-...` flags, the
 * arguments of LLaDA's `generate` and of Dream's `diffusion_generate`, and how these name their orders.
 */

/** Decoders by the names and numbers of `--diffusion-algorithm`, LLaDA's `remasking`, Dream's `alg` and SDAR's strategies. */
const PRESETS: Readonly<Record<string, string>> = {
  "0": "dream-origin",
  "1": "dream-entropy",
  "2": "dream-margin",
  "3": "llada-random",
  "4": "maskgit",
  origin: "dream-origin",
  entropy: "dream-entropy",
  entropy_based: "dream-entropy",
  margin: "dream-margin",
  margin_based: "dream-margin",
  topk_margin: "dream-margin",
  random: "llada-random",
  confidence: "maskgit",
  confidence_based: "maskgit",
  maskgit_plus: "maskgit",
  low_confidence: "llada",
  low_confidence_static: "llada",
  low_confidence_dynamic: "block-dynamic",
  entropy_bounded: "eb",
};

/** The preset that a name stands for. */
export function canonicalPreset(name: string): string {
  const known = name.toLowerCase().replaceAll("-", "_");
  return Object.hasOwn(PRESETS, known) ? PRESETS[known]! : name;
}

/** Recipe keys by option name, without `--`, `diffusion-` and with underscores. */
const KEYS: Readonly<Record<string, string>> = {
  gen_length: "length",
  max_new_tokens: "length",
  block_length: "block",
  steps: "steps",
  temperature: "temperature",
  threshold: "threshold",
  top_k: "topK",
  top_p: "topP",
  alg_temp: "algTemp",
  eps: "eps",
};

/** A recipe object with the options of other programs under our keys; what is no such option stays as it is. */
export function withOwnKeys(recipe: object): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  const put = (key: string, value: unknown, name: string): void => {
    if (Object.hasOwn(own, key) || (key !== name && Object.hasOwn(recipe, key))) {
      throw new UnmaskError("invalid-options", `The recipe says ${key} twice, once as "${name}".`, {
        detail: { option: key },
      });
    }
    Object.defineProperty(own, key, { value, enumerable: true, writable: true, configurable: true });
  };
  for (const [name, value] of Object.entries(recipe)) {
    const option = name.replace(/^(--)?(diffusion[-_])?/, "").replaceAll("-", "_");
    if (Object.hasOwn(KEYS, option)) put(KEYS[option]!, value, name);
    else if (option === "cfg_scale") put("guidance", { cfg: value }, name);
    else if (option === "alg" || option === "remasking" || option === "algorithm") {
      put("preset", typeof value === "number" ? String(value) : value, name);
    }
    // Tokens are always drawn by Gumbel noise, which is what drawing them from the softmax comes to.
    else if (option === "add_gumbel_noise" && typeof value === "boolean") continue;
    else put(name, value, name);
  }
  return own;
}
