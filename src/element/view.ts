import type { DisplaySpan } from "./spans.ts";

/** Cells that one frame draws; the first of a run, in which all are masks, would otherwise be a long one. */
const CELLS_A_FRAME = 32;

/** What a cell shows. */
interface Drawn {
  text: string;
  look: string;
}

/** Draws spans into `root` and afterwards touches only those that changed. Text goes in through `textContent` alone. */
export class SheetView {
  readonly #root: HTMLElement;
  readonly #drawn: Drawn[] = [];
  #frame = 0;
  /** As it was last laid out; to ask for it would make a frame lay out twice. */
  #height = 0;
  readonly #sizes = new ResizeObserver(([entry]) => {
    this.#height = entry!.contentRect.height;
  });

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#sizes.observe(root);
  }

  /**
   * @param reserved texts that will stand in masked cells, when the future is known: bars then have their width
   * @param steady more will follow: the sheet stays at least as tall as it is, so that what stands below it stays put, and
   * much is drawn in several frames
   */
  draw(
    spans: readonly DisplaySpan[],
    reserved: readonly (DisplaySpan | undefined)[] | undefined,
    steady: boolean,
  ): void {
    cancelAnimationFrame(this.#frame);
    if (steady) this.#root.style.minHeight = `${this.#height}px`;
    for (const _ of this.#drawn.splice(spans.length)) this.#root.lastChild?.remove();
    let left = steady ? CELLS_A_FRAME : spans.length;
    for (let row = 0; row < spans.length && left > 0; row += 1) {
      if (row === this.#drawn.length) {
        this.#drawn.push({ text: "", look: "" });
        this.#root.append(document.createElement("span"));
      }
      if (patch(this.#root.children[row]!, this.#drawn[row]!, spans[row]!, row, reserved?.[row])) left -= 1;
    }
    if (left === 0) this.#frame = requestAnimationFrame(() => this.draw(spans, reserved, steady));
  }

  releaseHeight(): void {
    this.#height = 0;
    this.#root.style.minHeight = "";
  }
}

/** True when something was to be done. */
function patch(
  node: Element,
  drawn: Drawn,
  span: DisplaySpan,
  row: number,
  reserved: DisplaySpan | undefined,
): boolean {
  const masked = span.kind === "mask" || span.kind === "taken";
  const from = masked ? reserved : span;
  const { lead = "", word = "", tail = "" } = from ?? {};
  const text = `${masked && from?.kind}/${lead}|${word}|${tail}`;
  const look = `${span.kind}/${span.doubt}/${span.percent}/${span.provisional}`;
  if (drawn.text === text && drawn.look === look) return false;
  if (drawn.text !== text) {
    const inner = document.createElement("span");
    inner.textContent = word;
    if (masked) fitBar(inner, row, from);
    node.replaceChildren(...(word !== "" ? [lead, inner, tail] : [masked ? inner : lead]));
  }
  drawn.text = text;
  drawn.look = look;
  node.className = `cell ${span.kind}${span.provisional ? " provisional" : ""}`;
  node.setAttribute("part", masked ? "mask" : span.kind === "given" ? "prompt" : `token ${span.kind}`);
  const shown = node.firstElementChild as HTMLElement | null;
  if (masked || shown === null) return true;
  // The same element from fresh to settled: its colour can then cool by a transition.
  shown.className = `word ${span.doubt}`;
  if (span.percent >= 0) shown.style.setProperty("--conf", `${span.percent / 100}`);
  return true;
}

/** As wide as the word that will stand there, or by the row when that is not known. */
function fitBar(bar: HTMLElement, row: number, reserved: DisplaySpan | undefined): void {
  bar.ariaHidden = "true";
  bar.className = "bar";
  if (reserved?.word) bar.className = "bar fitted";
  else if (reserved?.kind === "hidden" || reserved?.kind === "end") bar.className = "bar small";
  // About a short word, uneven enough not to look like a barcode.
  else bar.style.setProperty("--w", `${1.3 + ((row * 7) % 11) * 0.15}em`);
}
