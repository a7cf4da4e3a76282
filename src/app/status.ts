const INTERVAL_MS = 2000;

export interface Status {
  /** @param read for screen readers alone: the text that was written, in the same breath as that it is done */
  say(text: string, read?: string): void;
  /** For screen readers alone, behind what the line says: what another part of the page shows. */
  add(read: string): void;
  tick(text: string): void;
}

/** The status line, the one live region of the page: a phase is said at once, progress inside a phase at most every two seconds. */
export function createStatus(node: HTMLElement): Status {
  let changed = 0;
  let said = "";
  let line = node.textContent ?? "";
  const say: Status["say"] = (text, read = "") => {
    if (said === text + read) return;
    said = text + read;
    line = text;
    node.textContent = text;
    changed = performance.now();
    if (read === "") return;
    const unseen = document.createElement("span");
    unseen.className = "sr-only";
    unseen.textContent = `. ${read}`;
    node.append(unseen);
  };
  return {
    say,
    add: (read) => say(line, read),
    tick(text) {
      const phase = text.split(/[ ,:]/)[0] ?? text;
      if (!said.startsWith(phase) || performance.now() - changed >= INTERVAL_MS) say(text);
    },
  };
}
