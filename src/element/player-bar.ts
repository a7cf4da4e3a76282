/** Play button and slider below the sheet, shown by the attribute `controls`. */
export interface PlayerBar {
  readonly root: HTMLElement;
  show(playing: boolean, step: number, steps: number): void;
}

export function createPlayerBar(toggle: () => void, seek: (step: number) => void): PlayerBar {
  const root = makePart("div", "controls");
  const play = makePart("button", "play");
  play.type = "button";
  play.addEventListener("click", toggle);
  const scrub = makePart("input", "scrub");
  scrub.type = "range";
  scrub.ariaLabel = "Step";
  scrub.addEventListener("input", () => seek(scrub.valueAsNumber));
  root.append(play, scrub);
  root.hidden = true;
  return {
    root,
    show(playing, step, steps) {
      play.textContent = playing ? "Pause" : "Play";
      scrub.max = String(steps);
      scrub.value = String(step);
    },
  };
}

/** An element whose class and `part` have the same name. */
export function makePart<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string,
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  node.className = name;
  node.setAttribute("part", name);
  return node;
}
