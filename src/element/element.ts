import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import type { GenerateEvent, LoadEvent, Trace } from "../core/events.ts";
import type { GenerateOptions } from "../core/job.ts";
import { hasGaps } from "../engine/gaps.ts";
import type { Engine, EngineInfo, LoadOptions } from "../protocol.ts";
import { createEngineSlot } from "./engine-slot.ts";
import { createPlayback } from "./playback.ts";
import { createPlayerBar, makePart } from "./player-bar.ts";
import { RunLog, type StepSummary } from "./run-log.ts";
import { displaySpans, plainText } from "./spans.ts";
import { type ElementPhase, type ElementState, stateOf } from "./state.ts";
import { SHEET_CSS } from "./styles.ts";
import { SheetView } from "./view.ts";

export type DoneEvent = Extract<GenerateEvent, { type: "done" }>;
export type { ElementPhase, ElementState };

/** Options of one run; what is absent comes from the attributes, then from the bundle. */
export type SheetOptions = GenerateOptions & { readonly prompt?: string };

const NOTHING: Omit<Trace, "schema" | "events"> = {
  model: "",
  recipe: null,
  seed: 0,
  prompt: { text: "", ids: [] },
};
/** After these the engine is not trusted again: the next run opens it anew. */
const BROKEN = new Set(["internal", "device-lost", "out-of-memory", "disposed"]);
const TICK_MS = 140;
/** Lets the module be imported where there is no DOM. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);
let sharedSheet: CSSStyleSheet | undefined;

/**
 * `<unmask-text>`: a sheet on which the text of a diffusion language model surfaces out of its masks.
 *
 * Attributes: `model` (URL or path of a bundle folder), `recipe` (name or JSON), `prompt`, `seed`, `src` (a
 * `.unmask.json` trace), `autoplay` (plays `src`; never loads a model), `controls`, `heat` (tints doubtful tokens).
 * Events: `unmask-progress` ({@link LoadEvent}), `unmask-step` ({@link ElementState}), `unmask-done`
 * ({@link DoneEvent}), `unmask-error` (UnmaskError). Methods that run reject as well.
 */
export class UnmaskTextElement extends Base {
  static readonly observedAttributes: readonly string[] = ["src", "model", "controls"];

  /** Backend and variant for the next `load()`. */
  loadOptions: LoadOptions = {};
  readonly #view: SheetView;
  readonly #bar = createPlayerBar(
    () => (this.#playback.playing ? this.pause() : this.resume()),
    (step) => this.seek(step),
  );
  readonly #playback = createPlayback(() => this.#advance(), TICK_MS);
  readonly #engine = createEngineSlot((event: LoadEvent) =>
    this.dispatchEvent(new CustomEvent("unmask-progress", { detail: event })),
  );
  #log = new RunLog();
  #about = NOTHING;
  #phase: ElementPhase = "empty";
  /** Undefined follows the newest step. */
  #position: number | undefined;
  #controller: AbortController | undefined;
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
    root.append(sheet, this.#bar.root);
  }

  disconnectedCallback(): void {
    this.abort();
    this.#playback.pause();
    void this.#engine.close();
  }

  attributeChangedCallback(name: string, _old: string | null, value: string | null): void {
    if (name === "controls") this.#bar.root.hidden = value === null;
    if (name === "src" && value !== null) void this.#openSource(value);
    if (name === "model" && this.#controller === undefined) void this.#engine.close();
    this.#draw();
  }

  /** What is known of the loaded model; undefined before. */
  get info(): EngineInfo | undefined {
    return this.#engine.info;
  }

  /** The text on the sheet as a reader sees it, a run of masks as one `…`. */
  get text(): string {
    return this.#plain;
  }

  get state(): ElementState {
    return stateOf(this.#phase, this.#log.frame(this.#position), this.#log.steps.length);
  }

  /** One entry a step, for a timeline. */
  get summaries(): readonly StepSummary[] {
    return this.#log.steps;
  }

  /** The last run with everything needed to replay it. Setting one shows its end. */
  get trace(): Trace | undefined {
    if (this.#log.start === undefined) return undefined;
    return { schema: 1, ...this.#about, events: [...this.#log.events] };
  }

  set trace(trace: Trace | undefined) {
    this.abort();
    this.#playback.pause();
    this.#begin({ ...NOTHING, ...trace });
    for (const event of trace?.events ?? []) this.#log.push(event);
    this.#phase = trace === undefined ? "empty" : "done";
    this.#draw();
  }

  /** Downloads and opens the model; resolves at once when it is open. A failed attempt can be repeated. */
  async load(): Promise<EngineInfo> {
    const alone = this.#controller === undefined;
    const controller = this.#controller ?? new AbortController();
    this.#controller = controller;
    try {
      const engine = await this.#open(controller.signal);
      if (alone) this.#phase = this.#log.start === undefined ? "ready" : "done";
      return engine.info;
    } catch (error) {
      if (alone) this.#fail(error);
      throw error;
    } finally {
      if (alone) this.#controller = undefined;
    }
  }

  /** Continues the prompt. */
  generate(options: SheetOptions = {}): Promise<DoneEvent> {
    return this.#run("generate", options, false);
  }

  /** Fills the `[[n]]` gaps of the prompt. */
  infill(options: SheetOptions = {}): Promise<DoneEvent> {
    return this.#run("infill", options, false);
  }

  /** One denoise step, then hold. Begins a run when there is none; a running one is held first. */
  step(options: SheetOptions = {}): Promise<DoneEvent> | undefined {
    if (this.#controller === undefined) {
      const text = options.prompt ?? this.getAttribute("prompt") ?? "";
      return this.#run(hasGaps(text) ? "infill" : "generate", options, true);
    }
    if (this.#phase === "held") this.#engine.steer("step");
    else this.pause();
    return undefined;
  }

  /** Holds a run before its next step, or a playing trace. */
  pause(): void {
    this.#playback.pause();
    if (this.#phase === "generating") {
      this.#engine.steer("pause");
      this.#phase = "held";
    }
    this.#draw();
  }

  /** Lets a held run go on; plays a trace from where it stands, or again from its start. */
  resume(): void {
    if (this.#phase === "held") {
      this.#position = undefined;
      this.#phase = "generating";
      this.#engine.steer("resume");
    } else if (this.#controller === undefined && this.#log.start !== undefined) {
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
    this.#controller?.abort();
  }

  async #run(kind: "generate" | "infill", options: SheetOptions, held: boolean): Promise<DoneEvent> {
    if (this.#controller !== undefined) {
      throw new UnmaskError("busy", "This sheet is already writing. Stop it first.");
    }
    const controller = new AbortController();
    this.#controller = controller;
    this.#playback.pause();
    try {
      const { prompt = this.getAttribute("prompt") ?? "", ...rest } = options;
      const asked = { ...this.#defaults(), ...rest };
      const engine = await this.#open(controller.signal);
      this.#begin({ ...NOTHING, model: engine.info.name, prompt: { text: prompt, ids: [] } });
      this.#phase = held ? "held" : "generating";
      const events = engine[kind](prompt, { ...asked, signal: controller.signal, ...(held ? { held } : {}) });
      if (held) this.#engine.steer("step");
      for await (const event of events) this.#take(event);
      const { done } = this.#log;
      if (done === undefined) throw new UnmaskError("internal", "The run ended without a last event.");
      this.#phase = "done";
      this.#finish("unmask-done", done);
      return done;
    } catch (error) {
      const { code } = toUnmaskError(error);
      if (BROKEN.has(code)) void this.#engine.close();
      this.#fail(error);
      throw error;
    } finally {
      if (this.#controller === controller) this.#controller = undefined;
    }
  }

  #defaults(): GenerateOptions {
    const recipe = this.getAttribute("recipe");
    const seed = this.getAttribute("seed");
    return {
      ...(recipe === null
        ? {}
        : { recipe: recipe.trimStart().startsWith("{") ? JSON.parse(recipe) : recipe }),
      ...(seed === null ? {} : { seed: Number(seed) }),
    };
  }

  #open(signal: AbortSignal): Promise<Engine> {
    return this.#engine.open(this.getAttribute("model"), this.loadOptions, signal, () => {
      this.#phase = "loading";
    });
  }

  #begin(about: Omit<Trace, "schema" | "events">): void {
    this.#log = new RunLog();
    this.#about = { model: about.model, recipe: about.recipe, seed: about.seed, prompt: about.prompt };
    this.#position = undefined;
    this.#view.releaseHeight();
  }

  #take(event: GenerateEvent): void {
    this.#log.push(event);
    if (event.type === "start") {
      const { recipe, seed, canvas, promptLen } = event;
      const prompt = { text: this.#about.prompt.text, ids: canvas.slice(0, promptLen) };
      this.#about = { ...this.#about, recipe, seed, prompt };
    }
    if (event.type === "start" || event.type === "step") {
      this.dispatchEvent(new CustomEvent("unmask-step", { detail: this.state }));
      this.#schedule();
    }
  }

  #advance(): boolean {
    const next = (this.#position ?? 0) + 1;
    const last = next >= this.#log.steps.length;
    this.#position = last ? undefined : next;
    this.#draw();
    return !last;
  }

  #finish(type: "unmask-done" | "unmask-error", detail: unknown): void {
    this.#draw();
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #fail(cause: unknown): void {
    this.#phase = "error";
    this.#finish("unmask-error", toUnmaskError(cause));
  }

  async #openSource(src: string): Promise<void> {
    const source = ++this.#source;
    try {
      const { parseTrace } = await import("../engine/trace.ts");
      const response = await fetch(src);
      if (!response.ok) throw new UnmaskError("not-found", `There is no trace at ${src}.`);
      const trace = parseTrace(await response.json());
      if (source !== this.#source || this.#controller !== undefined) return;
      this.trace = trace;
      if (!this.hasAttribute("autoplay") || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
      this.resume();
    } catch (error) {
      if (source === this.#source) this.#fail(toUnmaskError(error, "trace-invalid"));
    }
  }

  #schedule(): void {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const frame = this.#log.frame(this.#position);
    const spans = frame === undefined ? [] : displaySpans(frame, this.#log.pieces);
    const end = this.#log.done === undefined ? undefined : this.#log.frame();
    const known = end !== undefined && end.cells.length === spans.length && this.#position !== undefined;
    this.#view.draw(spans, known ? displaySpans(end, this.#log.pieces) : undefined);
    if (this.#controller !== undefined || this.#position !== undefined) this.#view.holdHeight();
    this.#plain = plainText(spans);
    this.#bar.show(this.#playback.playing, frame?.position ?? 0, this.#log.steps.length);
    this.dispatchEvent(new Event("unmask-draw"));
  }
}
