import type { GenerateEvent, Trace } from "../core/events.ts";
import { GAP } from "../engine/gap-pattern.ts";
import type { EngineInfo, LoadOptions } from "../protocol.ts";
import { readAttributes } from "./attributes.ts";
import { FormField } from "./form-field.ts";
import { makePart } from "./parts.ts";
import { createPlayback } from "./playback.ts";
import { type RunAbout, RunLog, type StepSummary } from "./run-log.ts";
import { createRuns, type DoneEvent, type Runs, type SheetOptions } from "./runs.ts";
import SHEET_CSS from "./sheet.css?inline";
import { displaySpans, plainText, visible } from "./spans.ts";
import { type ElementPhase, type ElementState, stateOf } from "./state.ts";
import { SheetView } from "./view.ts";

export type { DoneEvent, ElementPhase, ElementState, SheetOptions };

const TICK_MS = 140;
let sharedSheet: CSSStyleSheet | undefined;

/**
 * `<unmask-text>`: a sheet on which the text of a diffusion language model surfaces out of its masks. Nothing large is
 * fetched before `load()`, a run, or a click on the controls.
 *
 * Attributes: `model` (URL or path of a bundle folder), `recipe` (name or JSON), `prompt`, `seed`, `src` (a
 * `.unmask.json` trace), `autoplay` (plays `src`; never loads a model), `controls`, `heat` (tints doubtful tokens), and
 * `name` and `disabled` of a form field, whose value is the text. Slot `poster`: shown until something stands on the
 * sheet, without one the prompt is. States: `:state(loading)` and the other phases. Events, which bubble: `unmask-progress` (LoadEvent),
 * `unmask-step` ({@link ElementState}), `unmask-done` ({@link DoneEvent}), `unmask-error` (UnmaskError). Methods that run
 * reject as well.
 */
export class UnmaskTextElement extends FormField {
  static readonly observedAttributes: readonly string[] = ["src", "model", "controls", "prompt"];

  /** Backend and variant for the next `load()`. */
  loadOptions: LoadOptions = {};
  /** Starts the worker of the engine where this module's own cannot be, as on a page of another origin. */
  openWorker: (() => Worker) | undefined;
  readonly #poster = document.createElement("slot");
  readonly #view: SheetView;
  readonly #playback = createPlayback(() => this.#advance(), TICK_MS);
  readonly #runs: Runs = this.#createRuns();
  #controls: HTMLElement | undefined;
  #log = new RunLog();
  /** Undefined follows the newest step. */
  #position: number | undefined;
  #frame = 0;
  #plain = "";
  #source = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    sharedSheet ??= new CSSStyleSheet();
    if (sharedSheet.cssRules.length === 0) sharedSheet.replaceSync(SHEET_CSS);
    root.adoptedStyleSheets = [sharedSheet];
    const sheet = makePart("div", "sheet");
    this.#view = new SheetView(sheet);
    this.#poster.name = "poster";
    root.append(this.#poster, sheet);
  }

  disconnectedCallback(): void {
    this.abort();
    this.#playback.pause();
    this.#runs.close();
  }

  attributeChangedCallback(name: string, _old: string | null, value: string | null): void {
    if (name === "controls") void this.#showControls(value !== null);
    if (name === "src" && value !== null) void this.#openSource(value);
    if (name === "model" && !this.#runs.busy) this.#runs.close();
    this.#draw();
  }

  formDisabledCallback(): void {
    if (this.disabled) this.abort();
    this.#draw();
  }

  formResetCallback(): void {
    this.trace = undefined;
    const src = this.getAttribute("src");
    if (src !== null) void this.#openSource(src);
  }

  /** What a form sends: the text. */
  get value(): string {
    return this.#plain;
  }

  /** What is known of the loaded model; undefined before. */
  get info(): EngineInfo | undefined {
    return this.#runs.info;
  }

  /** The text on the sheet as a reader sees it, a run of masks as one `…`. */
  get text(): string {
    return this.#plain;
  }

  get state(): ElementState {
    const { phase } = this.#runs;
    return stateOf(phase, this.#log.frame(this.#position), this.#log.steps.length, this.#playback.playing);
  }

  /** One entry a step, for a timeline. */
  get summaries(): readonly StepSummary[] {
    return this.#log.steps;
  }

  /** The last run with everything needed to replay it. Setting one shows its end. */
  get trace(): Trace | undefined {
    return this.#log.trace;
  }

  set trace(trace: Trace | undefined) {
    // A file that is still on its way would take the place of this trace.
    this.#source += 1;
    this.abort();
    this.#playback.pause();
    this.#begin(trace ?? {});
    for (const event of trace?.events ?? []) this.#log.push(event);
    this.#runs.rest(trace === undefined ? "empty" : "done");
  }

  /** Downloads and opens the model; resolves at once when it is open. A failed attempt can be repeated. */
  load(): Promise<EngineInfo> {
    return this.#runs.load();
  }

  /** Continues the prompt. */
  generate(options: SheetOptions = {}): Promise<DoneEvent> {
    return this.#runs.write("generate", options);
  }

  /** Fills the `[[n]]` gaps of the prompt. */
  infill(options: SheetOptions = {}): Promise<DoneEvent> {
    return this.#runs.write("infill", options);
  }

  /** One denoise step, then hold. Begins a run when there is none; a running one is held first. */
  step(options: SheetOptions = {}): Promise<DoneEvent> | undefined {
    return this.#runs.step(options);
  }

  /** Holds a run before its next step, or a playing trace. */
  pause(): void {
    this.#playback.pause();
    this.#runs.hold();
    this.#draw();
  }

  /** Lets a held run go on; plays a trace from where it stands, or again from its start. */
  resume(): void {
    if (this.#runs.phase === "held") {
      this.#position = undefined;
      this.#runs.release();
    } else if (!this.#runs.busy && this.#log.start !== undefined) {
      if (this.#position === undefined || this.#position >= this.#log.steps.length) this.#position = 0;
      this.#playback.play();
    }
    this.#draw();
  }

  /** Shows the canvas after `n` steps; the last one follows a run that goes on. */
  seek(n: number): void {
    this.#playback.pause();
    this.#position = n >= this.#log.steps.length ? undefined : Math.max(0, Math.trunc(n));
    this.#draw();
  }

  /** Ends a load or a run within one step; the partial canvas stays. */
  abort(): void {
    this.#runs.abort();
  }

  /** The bundle that is opened when the attribute `model` is absent; null: none. */
  protected get defaultModel(): string | null {
    return null;
  }

  /** True when a run can be asked for. */
  get hasModel(): boolean {
    return (this.getAttribute("model") ?? this.defaultModel) !== null;
  }

  #createRuns(): Runs {
    return createRuns({
      disabled: () => this.disabled,
      model: () => this.getAttribute("model") ?? this.defaultModel,
      loadOptions: () => this.loadOptions,
      openWorker: () => this.openWorker?.(),
      defaults: () => readAttributes(this),
      begin: (about) => this.#begin(about),
      take: (event) => this.#take(event),
      progress: (event) => this.#tell("unmask-progress", event),
      changed: () => this.#draw(),
      ended: (type, detail) => this.#tell(type, detail),
    });
  }

  #tell(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  #begin(about: Partial<RunAbout>): RunLog {
    this.#playback.pause();
    this.#log = new RunLog(about);
    this.#position = undefined;
    this.#view.releaseHeight();
    return this.#log;
  }

  #take(event: GenerateEvent): void {
    this.#log.push(event);
    if (event.type !== "start" && event.type !== "step") return;
    this.#tell("unmask-step", this.state);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #advance(): boolean {
    const next = (this.#position ?? 0) + 1;
    const last = next >= this.#log.steps.length;
    this.#position = last ? undefined : next;
    this.#draw();
    return !last;
  }

  async #showControls(wanted: boolean): Promise<void> {
    if (wanted && this.#controls === undefined) {
      const { createControls } = await import("./controls.ts");
      this.#controls ??= createControls(this);
      this.shadowRoot!.append(this.#controls);
    }
    if (this.#controls !== undefined) this.#controls.hidden = !this.hasAttribute("controls");
    this.#draw();
  }

  async #openSource(src: string): Promise<void> {
    const source = ++this.#source;
    const isCurrent = () => source === this.#source && !this.#runs.busy;
    try {
      const { readTrace } = await import("./read-trace.ts");
      const trace = await readTrace(src);
      if (!isCurrent()) return;
      this.trace = trace;
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (this.hasAttribute("autoplay") && !still) this.resume();
    } catch (error) {
      if (isCurrent()) this.#runs.fail(error);
    }
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const log = this.#log;
    const frame = log.frame(this.#position);
    const spans = frame === undefined ? [] : displaySpans(frame, log.pieces);
    const end = log.done === undefined ? undefined : log.frame();
    const known = end !== undefined && end.cells.length === spans.length && this.#position !== undefined;
    this.#view.draw(spans, known ? displaySpans(end, log.pieces) : undefined);
    if (this.#runs.busy || this.#position !== undefined) this.#view.holdHeight();
    this.#plain = plainText(spans);
    const prompt = this.getAttribute("prompt");
    this.#poster.textContent = prompt === null ? "" : visible(prompt).replace(GAP, "…");
    this.#poster.hidden = frame !== undefined;
    this.#reflect();
    this.dispatchEvent(new Event("unmask-draw"));
  }

  /** Tells form, styles and assistive technology what the sheet holds. */
  #reflect(): void {
    const { phase } = this.#runs;
    const { states } = this.internals;
    if (!states.has(phase)) {
      states.clear();
      states.add(phase);
    }
    this.internals.ariaBusy = String(phase === "loading" || phase === "generating");
    this.internals.setFormValue(this.#plain);
  }
}
