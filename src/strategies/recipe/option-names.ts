import { UnmaskError } from "../../core/errors.ts";

/**
 * The names that other programs use, so that their users find their settings: llama.cpp's `--diffusion-...` flags, the
 * arguments of LLaDA's `generate` and of Dream's `diffusion_generate`, and how these name their orders.
 */

/** Decoders by the names and numbers of `--diffusion-algorithm`, LLaDA's `remasking`, Dream's `alg` and SDAR's strategies. */
const PRESETS: Readonly<Record<string, string>> = {
  "0": "dream-origin",
  "1": "dream-entropy",
  "2": "dream-margin",
  "3": "dream-random",
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
};

/** Names that are no decoder of ours, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  entropy_bounded:
    "SDAR's entropy_bounded counts a cell's own entropy against the bound, and its code fails before it does; the published rule of entropy bounds is eb.",
};

/** The preset that a name stands for, and the temperature that its program takes where none is said. */
export function canonicalPreset(name: string): { readonly preset: string; readonly temperature?: number } {
  const known = name.toLowerCase().replaceAll("-", "_");
  if (Object.hasOwn(REFUSED, known)) throw invalid("preset", REFUSED[known]!);
  if (!Object.hasOwn(PRESETS, known)) return { preset: name };
  const preset = PRESETS[known]!;
  return preset === "dream-origin" ? { preset, temperature: 0 } : { preset };
}

/** Where the value of an option goes: a key, or a key of an object under a key. */
type Place = readonly [key: string, inner?: string];

/** Recipe keys by option name, without `--`, `diffusion-` and with underscores. */
const KEYS: Readonly<Record<string, Place>> = {
  gen_length: ["length"],
  max_new_tokens: ["length"],
  block_length: ["block"],
  steps: ["steps"],
  temperature: ["temperature"],
  threshold: ["threshold"],
  top_k: ["topK"],
  top_p: ["topP"],
  alg_temp: ["algTemp"],
  eps: ["eps"],
  cfg_scale: ["guidance", "cfg"],
  cfg_keep_tokens: ["guidance", "keep"],
  suppress_tokens: ["suppress", "never"],
  begin_suppress_tokens: ["suppress", "last"],
  no_repeat_ngram_size: ["suppress", "repeats"],
  alg: ["preset"],
  remasking: ["preset"],
  algorithm: ["preset"],
};

/** llama.cpp's options of the entropy-bound sampler, without `eb_`. */
const ENTROPY_BOUND: Readonly<Record<string, Place>> = {
  t_max: ["temperature"],
  t_min: ["renoise", "tMin"],
  entropy_bound: ["gamma"],
  stability: ["renoise", "stability"],
  confidence: ["renoise", "confidence"],
  max_steps: ["renoise", "steps"],
};

/** Switches, and what they mean where they are set so; null: nothing to us. */
const SWITCHES: Readonly<
  Record<string, { readonly place: Place; readonly value: string; readonly when: boolean } | null>
> = {
  logits_eos_inf: { place: ["stop", "predict"], value: "never", when: true },
  confidence_eos_eot_inf: { place: ["stop", "predict"], value: "last", when: true },
  // Blocks that can be stored exactly are stored.
  kv_cache: { place: ["cache"], value: "none", when: false },
  // Tokens are always drawn by Gumbel noise, which is what drawing them from the softmax comes to.
  add_gumbel_noise: null,
  // Whoever runs it shows the text as it is written.
  visual: null,
};

/** Decoders that llama.cpp runs in blocks. */
const SCHEDULED: readonly string[] = ["maskgit", "dream-margin", "dream-entropy", "dream-random"];

/**
 * A recipe object with the options of other programs under our keys; what is no such option stays as it is. Options of one
 * object come together in it, unless the recipe also says that object itself.
 */
export function withOwnKeys(recipe: object): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  const gathered = new Map<string, Record<string, unknown>>();
  const put = ([key, inner]: Place, value: unknown, name: string): void => {
    const there = gathered.get(key) ?? {};
    const isTaken = inner === undefined ? Object.hasOwn(own, key) : Object.hasOwn(there, inner);
    if (isTaken || (key !== name && Object.hasOwn(recipe, key))) {
      throw invalid(key, `The recipe says ${key} twice, once as "${name}".`);
    }
    if (inner !== undefined) gathered.set(key, { ...there, [inner]: value });
    const whole = inner === undefined ? value : gathered.get(key);
    Object.defineProperty(own, key, { value: whole, enumerable: true, writable: true, configurable: true });
  };
  /** What llama.cpp's flags say that depends on each other. */
  const flags = new Map<string, unknown>();
  for (const [name, value] of Object.entries(recipe)) {
    const option = name.replace(/^(--)?(diffusion[-_.])?/, "").replaceAll("-", "_");
    const isFlag = option !== name.replaceAll("-", "_").replace(/^__/, "");
    if (isFlag) flags.set(option, value);
    const place = placeOf(option, isFlag);
    if (place !== undefined) {
      put(place, place[0] === "preset" && typeof value === "number" ? String(value) : value, name);
      if (Object.values(ENTROPY_BOUND).includes(place)) flags.set("entropy_bound", true);
    } else if (Object.hasOwn(SWITCHES, option.replace(/^eb_/, "")) && typeof value === "boolean") {
      const meaning = SWITCHES[option.replace(/^eb_/, "")];
      if (meaning?.when === value) put(meaning.place, meaning.value, name);
    } else if (!(isFlag && option === "blocks")) put([name], value, name);
  }
  return settled(own, flags);
}

/** Where an option goes; a few names are too common to mean llama.cpp's without its prefix. */
function placeOf(option: string, isFlag: boolean): Place | undefined {
  if (Object.hasOwn(KEYS, option)) return KEYS[option];
  if (isFlag && option === "canvas_length") return ["block"];
  const bound = option.replace(/^eb_/, "");
  const isBound = isFlag || bound !== option || option === "entropy_bound";
  return isBound && Object.hasOwn(ENTROPY_BOUND, bound) ? ENTROPY_BOUND[bound] : undefined;
}

/** What llama.cpp's flags mean together. */
function settled(own: Record<string, unknown>, flags: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const { preset, block, length } = own;
  const blocks = flags.get("blocks");
  if (flags.has("eps") && flags.has("block_length")) {
    throw invalid("eps", "llama.cpp takes either diffusion-eps or diffusion-block-length.");
  }
  if (
    blocks !== undefined &&
    (typeof blocks !== "number" || typeof block !== "number" || length !== undefined)
  ) {
    throw invalid(
      "blocks",
      "diffusion-blocks counts blocks: it needs their length (block) in place of the text's.",
    );
  }
  const isEven =
    flags.has("block_length") &&
    typeof preset === "string" &&
    SCHEDULED.includes(canonicalPreset(preset).preset) &&
    own["schedule"] === undefined;
  return {
    ...own,
    ...(blocks === undefined ? {} : { length: Number(blocks) * Number(block) }),
    ...(isEven ? { schedule: "even" } : {}),
    ...(flags.has("entropy_bound") && preset === undefined ? { preset: "gemma-eb" } : {}),
  };
}

function invalid(option: string, message: string): UnmaskError {
  return new UnmaskError("invalid-options", message, { detail: { option } });
}
