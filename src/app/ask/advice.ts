import type { UnmaskError, UnmaskErrorCode } from "../../core/errors.ts";

/** What a button under an error does. */
export type Remedy = "retry" | "reload" | "wasm" | "prompt" | "length" | "strategy" | "template" | "none";

export interface Advice {
  /** What happened; absent: the error's own sentence says it best. */
  readonly what?: string;
  readonly todo: string;
  readonly remedy: Remedy;
}

const ADVICE: Readonly<Record<UnmaskErrorCode, Advice>> = {
  usage: { todo: "Correct the request and try again.", remedy: "none" },
  "unknown-command": { todo: "Correct the request and try again.", remedy: "none" },
  "invalid-options": { todo: "Change the setting named above.", remedy: "length" },
  "unknown-recipe": { todo: "Choose another strategy.", remedy: "strategy" },
  "prompt-empty": {
    what: "The prompt is empty.",
    todo: "Write a few words for the model to go on from.",
    remedy: "prompt",
  },
  "prompt-too-long": { todo: "Shorten the prompt or the length: both share one canvas.", remedy: "prompt" },
  "no-gaps": {
    what: "The text has no gaps to fill.",
    todo: "Mark a gap of 8 tokens by writing [[8]].",
    remedy: "prompt",
  },
  "not-found": {
    todo: "The model's files are missing on this server. Check the address, then try again.",
    remedy: "retry",
  },
  "download-failed": {
    todo: "Check the connection and try again; nothing half-loaded is kept.",
    remedy: "retry",
  },
  "source-blocked": {
    todo: "Allow this address in the browser or the page's policy, then try again.",
    remedy: "retry",
  },
  "source-changed": {
    todo: "The files changed while they were read. Try again.",
    remedy: "retry",
  },
  "manifest-invalid": {
    todo: "The model was packed wrongly. Convert it again, or load another.",
    remedy: "retry",
  },
  "manifest-version": {
    todo: "Reload the page for the newest version, or convert the model again.",
    remedy: "reload",
  },
  "checksum-mismatch": {
    todo: "It was damaged on the way or changed on the server. Download it again.",
    remedy: "retry",
  },
  "file-truncated": {
    todo: "The download or the copy on the server is incomplete. Download it again.",
    remedy: "retry",
  },
  "graph-mismatch": {
    todo: "The model was packed wrongly. Convert it again, or load another.",
    remedy: "retry",
  },
  "filter-missing": { todo: "Choose another strategy, or another size of blocks.", remedy: "strategy" },
  "golden-mismatch": {
    todo: "This device computes wrong numbers with this model. Run it on the processor instead.",
    remedy: "wasm",
  },
  "tokenizer-invalid": {
    todo: "The model was packed wrongly. Convert it again, or load another.",
    remedy: "retry",
  },
  "variant-missing": {
    todo: "This model has no weights for this backend. Run it on the processor instead.",
    remedy: "wasm",
  },
  "checkpoint-invalid": { todo: "Check the checkpoint's files.", remedy: "none" },
  "checkpoint-unsupported": { todo: "Choose a checkpoint of a supported family.", remedy: "none" },
  "golden-invalid": { todo: "Record the reference file again.", remedy: "none" },
  "trace-invalid": {
    todo: "Open a .unmask.json file that this version of Unmask wrote. A newer one needs the page's newest version.",
    remedy: "none",
  },
  "webgpu-unavailable": { todo: "Run on the processor instead: slower, same text.", remedy: "wasm" },
  "backend-unavailable": {
    todo: "Use a current browser, in a tab of its own. Recordings play all the same.",
    remedy: "wasm",
  },
  "device-lost": {
    what: "The graphics device was lost while writing.",
    todo: "Try again, it usually comes back.",
    remedy: "retry",
  },
  "out-of-memory": { todo: "Close other tabs or choose a shorter length, then try again.", remedy: "length" },
  "storage-failed": { todo: "Free some disk space for this site, then try again.", remedy: "retry" },
  "write-failed": { todo: "Check the free space, then try again.", remedy: "retry" },
  aborted: { what: "Stopped before it began to write.", todo: "Start again when you like.", remedy: "none" },
  busy: { what: "The model is still writing.", todo: "Stop the current text first.", remedy: "none" },
  disposed: { what: "The model was unloaded.", todo: "Try again; it is loaded anew.", remedy: "retry" },
  internal: {
    what: "Something in Unmask itself went wrong.",
    todo: "Try again. If it comes back, reload the page.",
    remedy: "reload",
  },
};

/** What an error is about can say more than its code. */
const BY_OPTION: Readonly<Record<string, Advice>> = {
  chat: { todo: "Correct the chat template, or choose another mode.", remedy: "template" },
};

const LABELS: Readonly<Record<Exclude<Remedy, "none">, string>> = {
  retry: "Try again",
  reload: "Reload the page",
  wasm: "Use the processor",
  prompt: "Edit the prompt",
  length: "Change the length",
  strategy: "Change the strategy",
  template: "Open the chat template",
};

/**
 * Draws the error into `box`: what happened, what to do, the code small, a button that does it.
 *
 * @returns what happened and what to do, for the status line to read out
 */
export function showProblem(box: HTMLElement, error: UnmaskError, act: (remedy: Remedy) => void): string {
  const option = String(error.detail["option"]);
  const special = Object.hasOwn(BY_OPTION, option) ? BY_OPTION[option] : undefined;
  const { what, todo, remedy } = special ?? ADVICE[error.code] ?? ADVICE.internal;
  const sentence = paragraph("what", what ?? error.message);
  const row = paragraph("do", "");
  if (remedy !== "none") {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = LABELS[remedy];
    button.addEventListener("click", () => act(remedy));
    row.append(button);
  }
  const code = document.createElement("code");
  code.textContent = error.code;
  code.title = error.message;
  row.append(code);
  box.replaceChildren(sentence, paragraph("todo", todo), row);
  box.hidden = false;
  return `${sentence.textContent} ${todo}`;
}

function paragraph(name: string, text: string): HTMLParagraphElement {
  const node = document.createElement("p");
  node.className = name;
  node.textContent = text;
  return node;
}
