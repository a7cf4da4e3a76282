import type { DisplaySpan } from "./spans.ts";

/** Widths of mask bars in em, picked by position: about a short word, uneven enough not to look like a barcode. */
const BAR_WIDTHS = [1.7, 2.4, 1.3, 2.0, 2.8, 1.5, 2.2, 1.8, 2.6, 1.4, 2.1];

interface Drawn {
  readonly node: HTMLSpanElement;
  key: string;
}

/** Draws spans into `root` and afterwards touches only those that changed. Text goes in through `textContent` alone. */
export class SheetView {
  readonly #root: HTMLElement;
  #drawn: Drawn[] = [];
  #tallest = 0;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** @param reserved texts that will stand in masked cells, when the future is known: bars then have their width. */
  draw(spans: readonly DisplaySpan[], reserved?: readonly (DisplaySpan | undefined)[]): void {
    for (let row = 0; row < spans.length; row += 1) {
      let drawn = this.#drawn[row];
      if (drawn === undefined) {
        drawn = { node: document.createElement("span"), key: "" };
        this.#drawn.push(drawn);
        this.#root.append(drawn.node);
      }
      patch(drawn, spans[row]!, row, reserved?.[row]);
    }
    for (const extra of this.#drawn.splice(spans.length)) extra.node.remove();
  }

  /** Keeps the sheet at the tallest it has been, so that what stands below it stays put while text resolves. */
  holdHeight(): void {
    const height = this.#root.getBoundingClientRect().height;
    if (height <= this.#tallest) return;
    this.#tallest = height;
    this.#root.style.minHeight = `${Math.ceil(height)}px`;
  }

  releaseHeight(): void {
    this.#tallest = 0;
    this.#root.style.minHeight = "";
  }
}

function patch(drawn: Drawn, span: DisplaySpan, row: number, reserved: DisplaySpan | undefined): void {
  const masked = span.kind === "mask" || span.kind === "taken";
  const ghost =
    masked && reserved !== undefined
      ? `${reserved.kind}${reserved.lead}|${reserved.word}|${reserved.tail}`
      : "";
  const key = `${span.kind}/${span.doubt}/${span.percent}/${span.lead}|${span.word}|${span.tail}/${ghost}`;
  if (drawn.key === key) return;
  drawn.key = key;
  const node = drawn.node;
  node.className = `cell ${span.kind}`;
  node.setAttribute("part", masked ? "mask" : span.kind === "given" ? "prompt" : `token ${span.kind}`);
  if (masked) {
    const blank = document.createElement("span");
    blank.className = reserved?.kind === "hidden" || reserved?.kind === "end" ? "bar small" : "bar";
    blank.ariaHidden = "true";
    if (reserved !== undefined && reserved.word !== "") {
      blank.classList.add("fitted");
      blank.textContent = reserved.word;
      node.replaceChildren(reserved.lead, blank, reserved.tail);
    } else {
      blank.style.setProperty("--w", `${BAR_WIDTHS[(row * 7) % BAR_WIDTHS.length]}em`);
      node.replaceChildren(blank);
    }
    return;
  }
  if (span.word === "") {
    node.replaceChildren(span.lead + span.tail);
    return;
  }
  const word = document.createElement("span");
  word.className = `word ${span.doubt}`;
  if (span.percent >= 0) word.style.setProperty("--conf", String(span.percent / 100));
  word.textContent = span.word;
  node.replaceChildren(span.lead, word, span.tail);
}
