const INTERVAL_MS = 2000;

/** The status line: a phase is said at once, progress inside a phase at most every two seconds. */
export function createStatus(node: HTMLElement): { say(text: string): void; tick(text: string): void } {
  let changed = 0;
  const say = (text: string): void => {
    if (node.textContent === text) return;
    node.textContent = text;
    changed = performance.now();
  };
  return {
    say,
    tick(text) {
      const phase = text.split(/[ ,:]/)[0] ?? text;
      if (!node.textContent?.startsWith(phase) || performance.now() - changed >= INTERVAL_MS) say(text);
    },
  };
}
