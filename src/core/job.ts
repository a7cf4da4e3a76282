/** Options of one generation. Everything has a default in the bundle; ranges are checked by the engine. */
export interface GenerateOptions {
  /** Preset or recipe name, recipe object, or absent for the bundle's default. */
  readonly recipe?: unknown;
  readonly seed?: number;
  readonly temperature?: number;
  readonly maxNewTokens?: number;
  /** Entry of the bundle's modes (story, task, chat, plain). */
  readonly mode?: string;
  /** Takes the prompt as a message and what is written as the answer; instead of a mode. */
  readonly chat?: ChatOptions;
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatOptions {
  /** Messages before the prompt, oldest first; a system message can only be the first. */
  readonly history?: readonly ChatMessage[];
  /** Lets the model think before it answers, where its template knows how. */
  readonly thinking?: boolean;
  /** A Jinja template instead of the model's own. It runs in a worker of its own, for at most two seconds. */
  readonly template?: string;
}

/** What a job does: continue a prompt, or fill the `[[n]]` gaps of a text. */
export type Job =
  | {
      readonly kind: "generate";
      readonly prompt: string;
      readonly options: GenerateOptions;
      /** The chat as token ids, where its template was run before. */
      readonly encoded?: readonly number[];
    }
  | { readonly kind: "infill"; readonly text: string; readonly options: GenerateOptions };

/** A text of a search as a score function sees it; a search may ask before the text is finished. */
export interface Candidate {
  /** What is written so far, … for each run of cells that are still masked; for an infill the whole text. */
  readonly text: string;
  /** Ids of the filled cells, in order. */
  readonly tokens: readonly number[];
  readonly masksLeft: number;
}

/** The worth of a text: larger is better, any finite number. Asked on the caller's thread. */
export type ScoreFunction = (candidate: Candidate) => number | Promise<number>;

/** How a running job is steered from outside. Both are asked before each forward. */
export interface JobControl {
  /** True ends the job before its next forward with `done: aborted`. */
  stop(): boolean;
  /** Resolves when the next forward may run: how pause and single step hold a job. */
  gate?(): Promise<void>;
}
