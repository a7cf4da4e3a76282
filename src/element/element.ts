import type { GenerateEvent, Trace } from "../core/events.ts";
import { GAP } from "../engine/ask/gap-pattern.ts";
import type { EngineInfo, LoadOptions } from "../protocol.ts";
import { SheetAttributes } from "./attributes.ts";
import type { UnmaskTextEventMap } from "./events.ts";
import { makePart } from "./parts.ts";
import { createPlayer, type Player } from "./player.ts";
import type { UnmaskTextAttributes, UnmaskTextProps } from "./props.ts";
import type { StepSummary } from "./run-log.ts";
import { createRuns, type DoneEvent, type Runs, type SheetOptions } from "./runs.ts";
import SHEET_CSS from "./sheet.css?inline";
import { visible } from "./spans.ts";
import type { ElementPhase, ElementState } from "./state.ts";

export type {
  DoneEvent,
  ElementPhase,
  ElementState,
  SheetOptions,
  StepSummary,
  UnmaskTextAttributes,
  UnmaskTextEventMap,
  UnmaskTextProps,
};

let sharedSheet: CSSStyleSheet | undefined;

/**
 * A sheet on which the text of a diffusion language model surfaces out of its masks. Nothing large is fetched before
 * `load()`, a run, or a click on the controls. In a form its value is the text. Methods that run tell of a failure by
 * `unmask-error` and reject as well.
 *
 * @slot poster - Stands in for the sheet until something is on it; without one the prompt does.
 */
export class UnmaskTextElement extends SheetAttributes {
  static readonly observedAttributes: readonly string[] = ["src", "model", "controls", "prompt"];

  /** Backend, variant and the folder of the runtime for the next `load()`. */
  loadOptions: LoadOptions = {};
  /** Starts the worker of the engine where this module's own cannot be, as on a page of another origin. */
  openWorker: (() => Worker) | undefined;
  readonly #poster = document.createElement("slot");
  readonly #player: Player;
  readonly #runs: Runs = this.#createRuns();
  /** What the browser keeps of a finished text for a form that is restored. */
  #kept: string | null = null;
  #controls: HTMLElement | undefined;
  #frame = 0;
  #source = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    if (sharedSheet === undefined) {
      sharedSheet = new CSSStyleSheet();
      sharedSheet.replaceSync(SHEET_CSS);
    }
    root.adoptedStyleSheets = [sharedSheet];
    const sheet = makePart("div", "sheet");
    this.#player = createPlayer(sheet, () => this.#draw());
    this.#poster.name = "poster";
    root.append(this.#poster, sheet);
  }

  disconnectedCallback(): void {
    this.abort();
    this.#player.pause();
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
    if (this.src !== null) void this.#openSource(this.src);
  }

  formStateRestoreCallback(state: string): void {
    void this.#openSource(state);
  }

  /** What a form sends: the text. */
  get value(): string {
    return this.#player.text;
  }

  /** The text on the sheet as a reader sees it, a run of masks as one `…`. */
  get text(): string {
    return this.#player.text;
  }

  /** Phase, the step that is shown, and its figures. */
  get state(): ElementState {
    return this.#player.state(this.#runs.phase);
  }

  /** What is known of the loaded model; undefined before. */
  get info(): EngineInfo | undefined {
    return this.#runs.info;
  }

  /** One entry a step, for a timeline. */
  get summaries(): readonly StepSummary[] {
    return this.#player.log.steps;
  }

  /**
   * The last run with everything needed to replay it. Setting one shows its end. A file from elsewhere is checked only
   * where `src` names it; a `blob:` address will do.
   */
  get trace(): Trace | undefined {
    return this.#player.log.trace;
  }

  set trace(trace: Trace | undefined) {
    // A file that is still on its way would take the place of this trace.
    this.#source += 1;
    this.abort();
    const log = this.#player.begin(trace ?? {});
    for (const event of trace?.events ?? []) log.push(event);
    // Another text of the same phase is kept as well.
    this.internals.states.clear();
    this.#runs.rest(trace === undefined ? "empty" : "done");
  }

  /** True when a run can be asked for: there is a model to open. */
  get hasModel(): boolean {
    return (this.model ?? this.defaultModel) !== null;
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
    this.#player.pause();
    this.#runs.hold();
    this.#draw();
  }

  /** Lets a held run go on; plays a trace from where it stands, or again from its start. */
  resume(): void {
    if (this.#runs.release()) this.#player.seek(Number.POSITIVE_INFINITY);
    else if (!this.#runs.busy) this.#player.play();
    this.#draw();
  }

  /** Shows the canvas after `n` steps; the last one follows a run that goes on. */
  seek(n: number): void {
    this.#player.seek(n);
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

  #createRuns(): Runs {
    return createRuns({
      disabled: () => this.disabled,
      model: () => this.model ?? this.defaultModel,
      loadOptions: () => this.loadOptions,
      openWorker: () => this.openWorker?.(),
      defaults: () => this.runOptions(),
      begin: (about) => this.#player.begin(about),
      take: (event) => this.#take(event),
      progress: (event) => this.#tell("unmask-progress", event),
      changed: () => this.#draw(),
      ended: (type, detail) => this.#tell(type, detail),
    });
  }

  #tell(type: keyof UnmaskTextEventMap, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  #take(event: GenerateEvent): void {
    this.#player.log.push(event);
    if (event.type !== "start" && event.type !== "step") return;
    this.#tell("unmask-step", this.state);
    // Every other frame is left to what surrounds the text, so that neither is a long one.
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = requestAnimationFrame(() => this.#draw());
    });
  }

  async #showControls(wanted: boolean): Promise<void> {
    if (wanted && this.#controls === undefined) {
      const { createControls } = await import("./controls.ts");
      this.#controls ??= createControls(this);
      this.shadowRoot!.append(this.#controls);
    }
    if (this.#controls !== undefined) this.#controls.hidden = !this.controls;
    this.#draw();
  }

  async #openSource(src: string): Promise<void> {
    const source = ++this.#source;
    const isCurrent = () => source === this.#source && !this.#runs.busy;
    try {
      const { readTrace, wantsMotion } = await import("./read-trace.ts");
      const trace = await readTrace(src);
      if (!isCurrent()) return;
      this.trace = trace;
      if (this.autoplay && wantsMotion()) this.resume();
    } catch (error) {
      if (isCurrent()) this.#runs.fail(error);
    }
  }

  /** Draws what changed, and tells form, styles and assistive technology what the sheet holds. */
  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { phase, busy } = this.#runs;
    const shown = this.#player.draw(busy);
    this.#poster.hidden = shown;
    if (!shown) this.#poster.textContent = visible(this.prompt ?? "").replace(GAP, "…");
    const { states } = this.internals;
    if (!states.has(phase)) {
      states.clear();
      states.add(phase);
      this.#kept = phase === "done" ? JSON.stringify(this.trace) : null;
      this.internals.ariaBusy = String(phase === "loading" || phase === "generating");
    }
    this.internals.setFormValue(this.value, this.#kept);
    this.dispatchEvent(new Event("unmask-draw"));
  }
}
