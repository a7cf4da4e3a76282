import type { SheetOptions } from "../../element/element.ts";
import type { LoadOptions } from "../../protocol.ts";
import type { Page } from "../page.ts";
import { type Strategy, strategyGroups, withRepeatGuard } from "./strategies.ts";

/** The presets without words of their own (vite.config.ts). */
declare const __UNMASK_OTHERS__: readonly Strategy[];
/** The presets that take no guard against repeats (vite.config.ts). */
declare const __UNMASK_REPEATING__: readonly string[];

export function fillSelects(page: Page): void {
  for (const { label, strategies } of strategyGroups(__UNMASK_OTHERS__)) {
    const group = document.createElement("optgroup");
    group.label = label;
    group.append(...strategies.map((strategy) => new Option(strategy.label, strategy.id)));
    page.strategy.append(group);
  }
  const showHint = (): void => {
    const { hint, recipe } = strategyOf(page);
    page.strategyHint.textContent = hint;
    page.noRepeats.disabled = recipe === null;
  };
  page.strategy.addEventListener("change", showHint);
  showHint();
}

/** Opens or closes the second row of controls. */
export function showMore(page: Page, open: boolean): void {
  page.moreFields.hidden = !open;
  page.more.ariaExpanded = String(open);
}

/** More than any canvas holds. */
const MAX_SHARED = 4000;

/** Fields as the engine takes them. Nothing is clamped: the engine names what is out of range. */
export function readOptions(page: Page): Omit<SheetOptions, "mode" | "chat"> {
  const { recipe } = strategyOf(page);
  return {
    prompt: page.prompt.value,
    ...(recipe === null ? {} : { recipe: guarded(page, recipe) }),
    ...numberOf(page.length, "maxNewTokens"),
    ...numberOf(page.seed, "seed"),
    ...numberOf(page.temperature, "temperature"),
  };
}

/** In a story no run of tokens is written twice, unless the user wants it otherwise. Tasks may have to repeat. */
export function guarded(
  page: Page,
  recipe: NonNullable<Strategy["recipe"]>,
): NonNullable<Strategy["recipe"]> {
  const isStory = page.mode.value === "story";
  return isStory && page.noRepeats.checked ? withRepeatGuard(recipe, __UNMASK_REPEATING__) : recipe;
}

/** What the address asks for. */
export interface Query {
  readonly load: LoadOptions;
  readonly model: string;
  /** Text that another app shared with this one. */
  readonly shared: string;
}

/** `?backend=` and `?software=1` are for tests; `?model=models/name` only selects: it is loaded by a click. */
export function readQuery(query: string): Query {
  const params = new URLSearchParams(query);
  const backend = params.get("backend");
  const model = params.get("model") ?? "";
  return {
    load: {
      ...(backend === "wasm" || backend === "webgpu" ? { backend } : {}),
      ...(params.get("software") === "1" ? { allowSoftware: true } : {}),
    },
    shared: sharedText(params),
    model: /^models\/[\w-]+\/?$/.test(model) ? model : "models/default",
  };
}

/** The text in an address of the share target (vite.config.ts). */
export function sharedText(params: URLSearchParams): string {
  return ["title", "text", "url"]
    .flatMap((name) => params.get(name) ?? [])
    .filter((part) => part !== "")
    .join("\n")
    .slice(0, MAX_SHARED);
}

function strategyOf(page: Page): Strategy {
  const all = strategyGroups(__UNMASK_OTHERS__).flatMap(({ strategies }) => strategies);
  return all.find(({ id }) => id === page.strategy.value) ?? all[0]!;
}

function numberOf(input: HTMLInputElement, name: "maxNewTokens" | "seed" | "temperature"): SheetOptions {
  return input.value.trim() === "" ? {} : { [name]: input.valueAsNumber };
}
