import { toUnmaskError, type UnmaskError } from "../core/errors.ts";
import type { LoadEvent } from "../core/events.ts";
import { defineUnmaskText } from "../element/define.ts";
import type { DoneEvent } from "../element/element.ts";
import { hasGaps } from "../engine/gaps.ts";
import { type Remedy, showProblem } from "./advice.ts";
import { EXAMPLES, fillSelects, readOptions, readQuery } from "./controls.ts";
import { showFigures } from "./figures.ts";
import { showModel, showNoModel } from "./model-box.ts";
import { findPage } from "./page.ts";
import { createProgress } from "./progress.ts";
import { createStatus } from "./status.ts";
import { wireTheme } from "./theme.ts";
import { createTimeline } from "./timeline.ts";

const WELCOME = Object.values(
  import.meta.glob<string>("./welcome.unmask.json", { query: "?url", import: "default", eager: true }),
)[0];

// Called, not only imported: a bundler may drop an import that is made for its side effect alone.
defineUnmaskText();
const page = findPage();
const { sheet } = page;
const query = readQuery(location.search);
const status = createStatus(page.status);
const progress = createProgress(page);
const timeline = createTimeline(page.strip, page.timeline, sheet);
/** Set by the first run: until then the sheet belongs to the welcome trace. */
let used = false;
let running = false;
/** What "Try again" repeats. */
let last: () => void = () => {};

wireTheme(page.theme);
fillSelects(page);
sheet.loadOptions = query.load;
page.model.append(new Option(query.model === "models/default" ? "Unmask default" : query.model, query.model));
sheet.setAttribute("model", query.model);
showNoModel(page, query.load);

function refresh(): void {
  const gaps = hasGaps(page.prompt.value);
  const { phase } = sheet.state;
  const held = phase === "held";
  page.generate.disabled = (running && !held) || (gaps && !held);
  page.fill.disabled = running || !gaps;
  page.fill.classList.toggle("primary", gaps && !running);
  page.step.disabled = running && phase === "loading";
  page.stop.disabled = !running;
  page.load.disabled = running || sheet.info !== undefined;
  for (const field of [page.model, page.strategy, page.mode, page.length, page.seed, page.temperature]) {
    field.disabled = running;
  }
}

/** Starts a run or a load on the sheet and keeps the page in step with it until it ends. */
function begin(job: () => Promise<unknown> | undefined): void {
  last = () => begin(job);
  page.problem.hidden = true;
  page.empty.hidden = true;
  running = true;
  status.say(sheet.info === undefined ? "loading the model" : "generating");
  // Failures arrive as `unmask-error`; the promise only says that it is over.
  Promise.resolve(job())
    .catch(() => undefined)
    .finally(() => {
      running = false;
      progress.hide();
      refresh();
    });
  refresh();
}

function write(kind: "generate" | "infill" | "step"): void {
  used = true;
  sheet.removeAttribute("src");
  begin(() => sheet[kind](readOptions(page)));
}

function remedy(name: Remedy): void {
  page.problem.hidden = true;
  if (name === "prompt") page.prompt.focus();
  else if (name === "length") page.length.focus();
  else if (name === "strategy") page.strategy.focus();
  else if (name === "reload") location.reload();
  else if (name === "wasm") {
    sheet.loadOptions = { backend: "wasm" };
    last();
  } else last();
}

page.form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (sheet.state.phase === "held") {
    sheet.resume();
    status.say("generating");
    refresh();
  } else if (!running) write(hasGaps(page.prompt.value) ? "infill" : "generate");
});
page.fill.addEventListener("click", () => write("infill"));
page.stop.addEventListener("click", () => sheet.abort());
page.load.addEventListener("click", () =>
  begin(async () => {
    const info = await sheet.load();
    showModel(page, info, query.load);
    status.say(`ready: ${info.name} is loaded`);
  }),
);
page.step.addEventListener("click", () => {
  if (!running) write("step");
  else {
    void sheet.step();
    refresh();
  }
});
page.heat.addEventListener("change", () => sheet.toggleAttribute("heat", page.heat.checked));
page.backendChip.addEventListener("click", () => {
  page.backendReason.hidden = !page.backendReason.hidden;
  page.backendChip.ariaExpanded = String(!page.backendReason.hidden);
});
page.prompt.addEventListener("input", refresh);
page.prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) page.form.requestSubmit();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running) sheet.abort();
});

for (const example of EXAMPLES) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = example.prompt;
  button.addEventListener("click", () => {
    page.prompt.value = example.prompt;
    page.mode.value = example.mode;
    page.length.value = String(example.length);
    refresh();
    (hasGaps(page.prompt.value) ? page.fill : page.generate).focus();
  });
  item.append(button);
  page.examples.append(item);
}

sheet.addEventListener("unmask-progress", (event) => {
  status.say(progress.show((event as CustomEvent<LoadEvent>).detail));
});
sheet.addEventListener("unmask-step", () => {
  progress.hide();
  const { phase, steps } = sheet.state;
  if (steps === 0 && sheet.info !== undefined) showModel(page, sheet.info, query.load);
  if (phase === "held") status.say(`generating: held after step ${steps}, Generate goes on`);
  else status.tick(steps === 0 ? "generating" : `generating, step ${steps}`);
});
sheet.addEventListener("unmask-done", (event) => {
  const { reason, effectiveTokens, steps, ms } = (event as CustomEvent<DoneEvent>).detail;
  const seconds = ms === undefined ? "" : ` in ${(ms / 1000).toFixed(1)} s`;
  status.say(
    reason === "aborted" ? `done: stopped after ${steps} steps` : `done: ${effectiveTokens} tokens${seconds}`,
  );
});
sheet.addEventListener("unmask-error", (event) => {
  if (!used && sheet.hasAttribute("src")) return;
  const error = (event as CustomEvent<UnmaskError>).detail;
  status.say(error.code === "aborted" ? "done: stopped" : `error: ${error.code}`);
  if (error.code !== "aborted") showProblem(page.problem, toUnmaskError(error), remedy);
});
sheet.addEventListener("unmask-draw", () => {
  page.canvasText.textContent = sheet.text;
  showFigures(page.figures, sheet.state);
  timeline.update();
  refresh();
});

refresh();
// A recording of the embedded model: playing it loads no model. Without one the sheet stays empty.
if (WELCOME !== undefined) {
  page.invitation.textContent = "This is a recording. Try one of these yourself:";
  sheet.toggleAttribute("autoplay", true);
  sheet.setAttribute("src", WELCOME);
}
