import type { SheetOptions } from "../element/element.ts";
import type { LoadOptions } from "../protocol.ts";
import type { Page } from "./page.ts";

interface Strategy {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly recipe: Readonly<Record<string, unknown>>;
}

/** Longer than any canvas: the whole text is one block. */
const ONE_BLOCK = 65_536;
const STRATEGIES: readonly Strategy[] = [
  {
    id: "llada",
    label: "LLaDA, one token a step",
    hint: "Each step keeps the token the model is surest of, in blocks of 32.",
    recipe: { preset: "llada" },
  },
  {
    id: "llada-whole",
    label: "LLaDA, anywhere in the text",
    hint: "One token a step, wherever the model is surest.",
    recipe: { preset: "llada", block: ONE_BLOCK },
  },
  {
    id: "llada-blocks",
    label: "LLaDA, blocks of 8",
    hint: "One token a step; 8 tokens are finished before the next 8 begin.",
    recipe: { preset: "llada", block: 8 },
  },
  {
    id: "fast-dllm",
    label: "Fast-dLLM, threshold",
    hint: "Each step keeps every token above 90 %, in blocks of 32: fewer forwards.",
    recipe: { preset: "fast-dllm", threshold: 0.9 },
  },
  {
    id: "fast-dllm-blocks",
    label: "Fast-dLLM, blocks of 8",
    hint: "Every token above 90 %, 8 tokens after 8 tokens.",
    recipe: { preset: "fast-dllm", threshold: 0.9, block: 8 },
  },
  {
    id: "random",
    label: "Random order",
    hint: "Each step keeps a token at a random place: see how much the order matters.",
    recipe: { preset: "llada-random" },
  },
];

const MODES: readonly (readonly [string, string])[] = [
  ["story", "Story"],
  ["task", "Task"],
  ["chat", "Chat"],
  ["plain", "Plain"],
];

export function fillSelects(page: Page): void {
  page.strategy.append(...STRATEGIES.map(({ id, label }) => new Option(label, id)));
  page.mode.append(...MODES.map(([id, label]) => new Option(label, id)));
  const showHint = (): void => {
    page.strategyHint.textContent = strategyOf(page).hint;
  };
  page.strategy.addEventListener("change", showHint);
  showHint();
}

/** Opens or closes the second row of controls. */
export function showMore(page: Page, open: boolean): void {
  page.moreFields.hidden = !open;
  page.more.ariaExpanded = String(open);
}

/** Fields as the engine takes them. Nothing is clamped: the engine names what is out of range. */
export function readOptions(page: Page): SheetOptions {
  return {
    prompt: page.prompt.value,
    recipe: strategyOf(page).recipe,
    mode: page.mode.value,
    ...numberOf(page.length, "maxNewTokens"),
    ...numberOf(page.seed, "seed"),
    ...numberOf(page.temperature, "temperature"),
  };
}

/** `?backend=` and `?software=1` are for tests; `?model=models/name` only selects: it is loaded by a click. */
export function readQuery(query: string): { readonly load: LoadOptions; readonly model: string } {
  const params = new URLSearchParams(query);
  const backend = params.get("backend");
  const model = params.get("model") ?? "";
  return {
    load: {
      ...(backend === "wasm" || backend === "webgpu" ? { backend } : {}),
      ...(params.get("software") === "1" ? { allowSoftware: true } : {}),
    },
    model: /^models\/[\w-]+\/?$/.test(model) ? model : "models/default",
  };
}

function strategyOf(page: Page): Strategy {
  return STRATEGIES.find(({ id }) => id === page.strategy.value) ?? STRATEGIES[0]!;
}

function numberOf(input: HTMLInputElement, name: "maxNewTokens" | "seed" | "temperature"): SheetOptions {
  return input.value.trim() === "" ? {} : { [name]: input.valueAsNumber };
}
