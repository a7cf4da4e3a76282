/** What the page offers to decode with. Recipes are checked by the engine; a test runs every one of them. */
export interface Strategy {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  /** null: what the bundle recommends for the mode, which only the engine knows. */
  readonly recipe: Recipe | null;
}

type Recipe = Readonly<Record<string, unknown>>;

/** A strategy of the page's own making. */
type Written = Strategy & { readonly recipe: Recipe };

export interface StrategyGroup {
  readonly label: string;
  readonly strategies: readonly Strategy[];
}

/** Tokens of a run that a story does not hold twice. */
const REPEATED_RUN = 4;

/** Longer than any canvas: the whole text is one block. */
const ONE_BLOCK = 65_536;

const of = (preset: string, label: string, hint: string, more: Recipe = {}): Written => ({
  id: label,
  label,
  hint,
  recipe: { preset, ...more },
});

const OWN: Strategy = {
  id: "own",
  label: "The model's own",
  hint: "What comes with the model for the mode it writes in.",
  recipe: null,
};

/** Those with words of their own. */
const GROUPS: readonly { readonly label: string; readonly strategies: readonly Written[] }[] = [
  {
    label: "One token a step",
    strategies: [
      of("llada", "LLaDA", "Each step keeps the token the model is surest of, in blocks of 32."),
      of("llada", "LLaDA, anywhere", "One token a step, wherever the model is surest.", { block: ONE_BLOCK }),
      of("llada", "LLaDA, blocks of 8", "8 tokens are finished before the next 8 begin.", { block: 8 }),
      of("sequential", "Left to right", "One token after the other, as other language models write (SDAR)."),
      of("llada-random", "Random order", "A token at a random place: see how much the order matters."),
      of("dream-margin", "Margin", "Where the best token leads the second by most (Dream)."),
      of("pc", "PC-Sampler", "Early places and uncommon words first."),
      of("dream-entropy", "Entropy", "Where the model hesitates least (Dream)."),
    ],
  },
  {
    label: "Several at a time",
    strategies: [
      of("fast-dllm", "Threshold", "Every token above 90 %: fewer forwards (Fast-dLLM).", { threshold: 0.9 }),
      of("factor", "Factor", "The more tokens at once, the surer each has to be (Fast-dLLM)."),
      of("eb", "Entropy bound", "As many tokens as a budget of doubt allows (EB-Sampler)."),
      of("klass", "KLASS", "Tokens whose prediction has stopped moving."),
      of("credit", "CreditDecoding", "A steady guess earns credit and passes earlier."),
      of(
        "learn2pd",
        "Learn2PD",
        "A small filter, taught by this model's own texts, knows which tokens are final.",
      ),
      of("localleap", "LocalLeap", "A lower threshold next to tokens that are sure."),
      of("hierarchy", "Hierarchical", "One token in each run of masks, and every sure one (dInfer)."),
      of("slowfast", "SlowFast", "Explores, then fills the stretch it is sure of."),
      of("prophet", "Prophet", "One token a step until everything left is clear."),
    ],
  },
  {
    label: "Changes its mind",
    strategies: [
      of("wino", "WINO", "Drafts widely and takes back what does not hold."),
      of("saber", "Saber", "Takes back what it has come to doubt."),
      of("remdm", "ReMDM", "Fills most of a block, then rewrites its weakest tokens."),
      of(
        "gemma-eb",
        "Entropy bound, renoised",
        "Keeps what a budget allows, masks all else again (DiffusionGemma).",
      ),
      of("llada2-edit", "LLaDA2.1 editing", "Edits the tokens of a block until nothing changes."),
    ],
  },
  {
    label: "At random, as diffusion is defined",
    strategies: [
      of("dream-origin", "Ancestral", "Random tokens at the times of the diffusion process."),
      of("mdlm", "MDLM", "The same; a step that would change nothing costs nothing."),
      of("first-hitting", "First hitting", "One token a step at a random place of its block (BD3-LM)."),
      of("remdm-cap", "ReMDM, capped", "Takes tokens back, each with a small probability."),
      of("remdm-rescale", "ReMDM, rescaled", "Takes tokens back with a share of what the process allows."),
      of("remdm-conf", "ReMDM, by confidence", "Takes back what was written with little confidence."),
      of("remdm-loop", "ReMDM, loop", "Writes most, takes tokens back in a loop, then finishes."),
    ],
  },
  {
    label: "Length and blocks",
    strategies: [
      of("daedal", "DAEDAL", "Finds the length of the text while it writes."),
      of("adablock", "AdaBlock", "Blocks that end where a line ends."),
      of("block-dynamic", "Block by block", "What comes after the block is not shown (SDAR, LLaDA2)."),
      of("freedave", "FreeDave", "Drafts ahead, keeps exactly what one token a step would write."),
    ],
  },
];

/** What a recipe of nothing but the name would not show: these want a table, and a draft. */
const WANT_MORE: readonly string[] = ["quota-table", "warm-start"];

/** The presets that no group names, in the words of their titles. */
export function otherStrategies(
  presets: Readonly<Record<string, { readonly title: string }>>,
): readonly Written[] {
  const named = new Set(GROUPS.flatMap(({ strategies }) => strategies.map(({ recipe }) => recipe["preset"])));
  return Object.entries(presets)
    .filter(([name]) => !named.has(name) && !WANT_MORE.includes(name))
    .map(([name, { title }]) => {
      const [label, ...rest] = title.split(": ");
      const rule = rest.join(": ");
      const hint = rule === "" ? "" : `${rule[0]!.toUpperCase()}${rule.slice(1)}.`;
      return { ...of(name, label!, hint), id: name };
    });
}

/** The recipe with a guard against repeats, where its preset takes one (`takesRepeatGuard`). */
export function withRepeatGuard(recipe: Recipe, repeating: readonly unknown[]): Recipe {
  return repeating.includes(recipe["preset"]) ? recipe : { ...recipe, suppress: { repeats: REPEATED_RUN } };
}

/** @param others of {@link otherStrategies}; the page gets them when it is built, as it holds no decoders */
export function strategyGroups(others: readonly Strategy[]): readonly StrategyGroup[] {
  const all = [{ label: "Recommended", strategies: [OWN] }, ...GROUPS];
  return others.length === 0 ? all : [...all, { label: "Others", strategies: others }];
}
