import { hasGaps } from "../../engine/ask/gap-pattern.ts";
import type { Page } from "../page.ts";
import { showMore } from "./controls.ts";

interface Example {
  readonly kind: string;
  readonly prompt: string;
  readonly mode: string;
  readonly length: number;
}

/** What a model of children's stories and small tasks can go on from: a beginning, a text with gaps, a task. */
const EXAMPLES: readonly Example[] = [
  { kind: "A beginning", prompt: "Once upon a time there was a little fox who", mode: "story", length: 64 },
  {
    kind: "Gaps to fill",
    prompt: "Lily found a [[6]] in the garden. She [[8]] and smiled.",
    mode: "story",
    length: 64,
  },
  {
    kind: "A sum in words",
    prompt:
      "Mia has 19 apples. Mia gives away 5 of them. Mia loses 6 of them. How many apples does Mia have?",
    mode: "task",
    length: 24,
  },
  { kind: "A sudoku", prompt: "sudoku _ 1 2 _ / 2 _ 3 _ / _ 3 _ _ / 1 2 _ 3", mode: "task", length: 24 },
];

/** Lists the examples in the empty sheet; choosing one writes it as the prompt and offers the button that runs it. */
export function listExamples(page: Page): void {
  for (const example of EXAMPLES) {
    const item = document.createElement("li");
    const kind = document.createElement("span");
    kind.textContent = example.kind;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = example.prompt;
    button.addEventListener("click", () => choose(page, example));
    item.append(kind, button);
    page.examples.append(item);
  }
}

function choose(page: Page, { prompt, mode, length }: Example): void {
  page.prompt.value = prompt;
  page.mode.value = mode;
  page.length.value = String(length);
  // A mode other than the usual one must not act unseen.
  if (mode !== "story") showMore(page, true);
  page.prompt.dispatchEvent(new Event("input", { bubbles: true }));
  (hasGaps(prompt) ? page.fill : page.generate).focus();
}
