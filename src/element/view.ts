import type { DisplaySpan } from "./spans.ts";

/** Widths of mask bars in em, picked by position: about a short word, uneven enough not to look like a barcode. */
const BAR_WIDTHS = [1.7, 2.4, 1.3, 2.0, 2.8, 1.5, 2.2, 1.8, 2.6, 1.4, 2.1];

interface Drawn {
  readonly node: HTMLSpanElement;
  text: string;
  look: string;
}

/** Draws spans into `root` and afterwards touches only those that changed. Text goes in through `textContent` alone. */
export class SheetView {
  readonly #root: HTMLElement;
  #drawn: Drawn[] = [];
  /** Told of heights after the layout of a frame; asking for them would make the frame lay out twice. */
  readonly #sizes = new ResizeObserver(([entry]) => {
    this.#root.style.minHeight = `${Math.ceil(entry!.contentRect.height)}px`;
  });

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** @param reserved texts that will stand in masked cells, when the future is known: bars then have their width. */
  draw(spans: readonly DisplaySpan[], reserved?: readonly (DisplaySpan | undefined)[]): void {
    for (let row = 0; row < spans.length; row += 1) {
      let drawn = this.#drawn[row];
      if (drawn === undefined) {
        drawn = { node: document.createElement("span"), text: "", look: "" };
        this.#drawn.push(drawn);
        this.#root.append(drawn.node);
      }
      patch(drawn, spans[row]!, row, reserved?.[row]);
    }
    for (const extra of this.#drawn.splice(spans.length)) extra.node.remove();
  }

  /** Keeps the sheet at the tallest it has been, so that what stands below it stays put while text resolves. */
  holdHeight(): void {
    this.#sizes.observe(this.#root);
  }

  releaseHeight(): void {
    this.#sizes.disconnect();
    this.#root.style.minHeight = "";
  }
}

function patch(drawn: Drawn, span: DisplaySpan, row: number, reserved: DisplaySpan | undefined): void {
  const masked = span.kind === "mask" || span.kind === "taken";
  const from = masked ? reserved : span;
  const text = `${masked}/${from?.kind === "end"}/${from?.lead}|${from?.word}|${from?.tail}`;
  const look = `${span.kind}/${span.doubt}/${span.percent}/${span.provisional}`;
  const { node } = drawn;
  if (drawn.text !== text) {
    drawn.text = text;
    drawn.look = "";
    if (masked) node.replaceChildren(...barOf(row, reserved));
    else node.replaceChildren(...wordOf(span));
  }
  if (drawn.look === look) return;
  drawn.look = look;
  node.className = `cell ${span.kind}${span.provisional ? " provisional" : ""}`;
  node.setAttribute("part", masked ? "mask" : span.kind === "given" ? "prompt" : `token ${span.kind}`);
  const word = masked ? null : node.firstElementChild;
  if (!(word instanceof HTMLElement)) return;
  // The same element from fresh to settled: its colour can then cool by a transition.
  word.className = `word ${span.doubt}`;
  if (span.percent >= 0) word.style.setProperty("--conf", String(span.percent / 100));
}

function barOf(row: number, reserved: DisplaySpan | undefined): (string | Node)[] {
  const bar = document.createElement("span");
  bar.className = reserved?.kind === "hidden" || reserved?.kind === "end" ? "bar small" : "bar";
  bar.ariaHidden = "true";
  if (reserved === undefined || reserved.word === "") {
    bar.style.setProperty("--w", `${BAR_WIDTHS[(row * 7) % BAR_WIDTHS.length]}em`);
    return [bar];
  }
  bar.classList.add("fitted");
  bar.textContent = reserved.word;
  return [reserved.lead, bar, reserved.tail];
}

function wordOf(span: DisplaySpan): (string | Node)[] {
  if (span.word === "") return [span.lead + span.tail];
  const word = document.createElement("span");
  word.textContent = span.word;
  return [span.lead, word, span.tail];
}
