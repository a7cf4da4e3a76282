import type { UnmaskTextElement } from "../element/element.ts";

/** The parts of index.html that the modules of the page work on. */
export interface Page {
  /** The first paragraph of the sheet: `prompt` lies over `mirror`, which carries its text in the flow. */
  readonly running: HTMLElement;
  readonly prompt: HTMLTextAreaElement;
  readonly mirror: HTMLElement;
  readonly sheet: UnmaskTextElement;
  readonly canvasText: HTMLElement;
  readonly empty: HTMLElement;
  readonly invitation: HTMLElement;
  readonly examples: HTMLElement;
  readonly problem: HTMLElement;
  readonly loading: HTMLElement;
  readonly progress: HTMLProgressElement;
  readonly progressText: HTMLElement;
  readonly status: HTMLElement;
  readonly generate: HTMLButtonElement;
  readonly stop: HTMLButtonElement;
  readonly step: HTMLButtonElement;
  readonly fill: HTMLButtonElement;
  readonly load: HTMLButtonElement;
  readonly strip: HTMLCanvasElement;
  readonly timeline: HTMLInputElement;
  readonly strategy: HTMLSelectElement;
  readonly strategyHint: HTMLElement;
  readonly more: HTMLButtonElement;
  readonly moreFields: HTMLElement;
  readonly mode: HTMLSelectElement;
  readonly length: HTMLInputElement;
  readonly seed: HTMLInputElement;
  readonly temperature: HTMLInputElement;
  readonly heat: HTMLInputElement;
  /** No run of tokens twice in a story. */
  readonly noRepeats: HTMLInputElement;
  /** Each edit of the prompt is written at once. */
  readonly live: HTMLInputElement;
  readonly model: HTMLSelectElement;
  readonly modelHint: HTMLElement;
  /** Says that the loaded model works without a network. */
  readonly kept: HTMLElement;
  /** Opens the form `own`, in which a user brings a model. */
  readonly addModel: HTMLButtonElement;
  readonly own: HTMLFormElement;
  /** Opens the section `chat`, for a chat template of the user's own. */
  readonly chatToggle: HTMLButtonElement;
  readonly chat: HTMLElement;
  readonly storageNotice: HTMLElement;
  readonly storedToggle: HTMLButtonElement;
  readonly stored: HTMLElement;
  readonly about: HTMLButtonElement;
  readonly card: HTMLDialogElement;
  readonly cardText: HTMLElement;
  readonly closeCard: HTMLButtonElement;
  readonly modelChip: HTMLElement;
  readonly backendChip: HTMLButtonElement;
  readonly backendReason: HTMLElement;
  readonly theme: HTMLSelectElement;
  readonly update: HTMLButtonElement;
  readonly saveRecording: HTMLButtonElement;
  readonly openRecording: HTMLButtonElement;
  readonly recordingFile: HTMLInputElement;
  readonly figures: {
    readonly step: HTMLElement;
    readonly masks: HTMLElement;
    readonly forwards: HTMLElement;
    readonly speed: HTMLElement;
  };
  /** Where the time went: the parts of the bar and their words. */
  readonly time: {
    readonly whole: HTMLElement;
    readonly parts: Readonly<Record<"model" | "read" | "rest", HTMLElement>>;
    readonly words: Readonly<Record<"model" | "read" | "rest", HTMLElement>>;
  };
}

export function findPage(): Page {
  // Each id is in index.html with the element type of its field; a wrong one would fail on first use in any test.
  const get = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
  return {
    running: get("running"),
    prompt: get("prompt"),
    mirror: get("mirror"),
    sheet: get("sheet"),
    canvasText: get("canvas-text"),
    empty: get("empty"),
    invitation: get("invitation"),
    examples: get("examples"),
    problem: get("problem"),
    loading: get("loading"),
    progress: get("progress"),
    progressText: get("progress-text"),
    status: get("status"),
    generate: get("generate"),
    stop: get("stop"),
    step: get("step"),
    fill: get("fill"),
    load: get("load"),
    strip: get("strip"),
    timeline: get("timeline"),
    strategy: get("strategy"),
    strategyHint: get("strategy-hint"),
    more: get("more"),
    moreFields: get("more-fields"),
    mode: get("mode"),
    length: get("length"),
    seed: get("seed"),
    temperature: get("temperature"),
    heat: get("heat"),
    noRepeats: get("no-repeats"),
    live: get("live"),
    model: get("model"),
    modelHint: get("model-hint"),
    kept: get("kept"),
    addModel: get("add-model"),
    own: get("own"),
    chatToggle: get("chat-toggle"),
    chat: get("chat"),
    storageNotice: get("storage-notice"),
    storedToggle: get("stored-toggle"),
    stored: get("stored"),
    about: get("about"),
    card: get("card"),
    cardText: get("card-text"),
    closeCard: get("close-card"),
    modelChip: get("model-chip"),
    backendChip: get("backend-chip"),
    backendReason: get("backend-reason"),
    theme: get("theme"),
    update: get("update"),
    saveRecording: get("save-recording"),
    openRecording: get("open-recording"),
    recordingFile: get("recording-file"),
    figures: {
      step: get("figure-step"),
      masks: get("figure-masks"),
      forwards: get("figure-forwards"),
      speed: get("figure-speed"),
    },
    time: {
      whole: get("time"),
      parts: { model: get("time-bar-model"), read: get("time-bar-read"), rest: get("time-bar-rest") },
      words: { model: get("time-model"), read: get("time-read"), rest: get("time-rest") },
    },
  };
}
