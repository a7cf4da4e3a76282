import { toUnmaskError, type UnmaskError } from "../core/errors.ts";
import type { LoadEvent } from "../core/events.ts";
import { defineUnmaskText } from "../element/define.ts";
import type { DoneEvent } from "../element/element.ts";
import { trustOwnScripts } from "../own-scripts.ts";
import type { EngineInfo } from "../protocol.ts";
import { showProblem } from "./ask/advice.ts";
import { wireChat } from "./ask/chat.ts";
import { fillSelects, readQuery, showMore } from "./ask/controls.ts";
import { listExamples } from "./ask/examples.ts";
import { atMostEvery, inLaterFrame } from "./later.ts";
import { wireAddModel } from "./model/add-model.ts";
import { showModel, showNoModel } from "./model/model-box.ts";
import { wireModelCard } from "./model/model-card.ts";
import { wireStoredModels } from "./model/stored-models.ts";
import { findPage } from "./page.ts";
import { createProgress } from "./progress.ts";
import { showFigures } from "./run/figures.ts";
import { type Live, wireLive } from "./run/live.ts";
import { createParagraph } from "./run/paragraph.ts";
import { wireRecordings } from "./run/recordings.ts";
import { createRunner } from "./run/runner.ts";
import { showTime } from "./run/time-spent.ts";
import { createTimeline } from "./run/timeline.ts";
import { whenInstalled } from "./site/install.ts";
import { createOffline } from "./site/offline.ts";
import { wireTheme } from "./site/theme.ts";
import { createStatus } from "./status.ts";

const WELCOME = Object.values(
  import.meta.glob<string>("./run/welcome.unmask.json", { query: "?url", import: "default", eager: true }),
)[0];

trustOwnScripts();
// Called, not only imported: a bundler may drop an import that is made for its side effect alone.
defineUnmaskText();
const page = findPage();
const { sheet } = page;
const query = readQuery(location.search);
let kept: EngineInfo | undefined;
const status = createStatus(page.status);
const progress = createProgress(page);
const timeline = createTimeline(page.strip, page.timeline, sheet);
const paragraph = createParagraph(page);
const chat = wireChat(page, status.say);
const runner = createRunner(page, paragraph, status.say, chat, () => {
  progress.hide();
  refreshFiles();
  live.ended();
});
const live: Live = wireLive(page, runner);

const offline = createOffline(page, () => !runner.used && !runner.running);
const stored = wireStoredModels(page, {
  get running() {
    return runner.running;
  },
  tell: status.add,
  changed() {
    chat.changed();
    sheet.setAttribute("model", page.model.value);
    showNoModel(page, query.load);
    status.say("ready");
    runner.refresh();
  },
  reload() {
    // The same address once more: the engine that is open is closed.
    sheet.setAttribute("model", page.model.value);
    runner.refresh();
    page.load.click();
  },
});
const fail = (error: UnmaskError): void => {
  status.say(`error: ${error.code}`, showProblem(page.problem, error, runner.remedy));
};
const recordings = wireRecordings(page, {
  show: runner.show,
  share(text) {
    page.prompt.value = text;
    paragraph.edited();
    runner.refresh();
  },
  fail,
});

wireModelCard(page, (error) => fail(toUnmaskError(error)));
wireTheme(page.theme);
if (query.shared !== "") page.prompt.value = query.shared;
fillSelects(page);
listExamples(page);
sheet.loadOptions = query.load;
page.model.append(new Option(query.model === "models/default" ? "Unmask default" : query.model, query.model));
sheet.setAttribute("model", query.model);
showNoModel(page, query.load);
chat.changed();

// Not a form's submit, which a sandboxed frame blocks.
page.generate.addEventListener("click", runner.submit);
page.fill.addEventListener("click", runner.fill);
page.step.addEventListener("click", runner.step);
page.stop.addEventListener("click", () => sheet.abort());
const show = (info: EngineInfo): void => {
  showModel(page, info, query.load);
  chat.loaded(info);
  stored.loaded(info);
};
const load = (): void =>
  runner.load(async () => {
    const info = await sheet.load();
    show(info);
    status.say(`ready: ${info.name} is loaded${threadsOf(info)}`);
    void keepOffline(info);
  });
page.load.addEventListener("click", load);
wireAddModel(page, status.say, () => {
  page.model.dispatchEvent(new Event("change"));
  // A text that is being written is ended by the new model.
  if (runner.running) sheet.abort();
  load();
});
whenInstalled(async () => {
  if (sheet.info !== undefined || (await offline.hasKept(query.model)) || runner.running) return;
  load();
});
page.more.addEventListener("click", () => showMore(page, page.moreFields.hidden !== false));
page.heat.addEventListener("change", () => sheet.toggleAttribute("heat", page.heat.checked));
page.backendChip.addEventListener("click", () => {
  page.backendReason.hidden = !page.backendReason.hidden;
  page.backendChip.ariaExpanded = String(!page.backendReason.hidden);
});
page.prompt.addEventListener("input", () => {
  paragraph.edited();
  runner.refresh();
  live.edited();
});
page.prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) runner.submit();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && runner.running) sheet.abort();
});

sheet.addEventListener("unmask-progress", (event) => {
  status.say(progress.show((event as CustomEvent<LoadEvent>).detail));
});
sheet.addEventListener("unmask-step", () => {
  progress.hide();
  const { phase, steps } = sheet.state;
  if (steps === 0 && sheet.info !== undefined) {
    show(sheet.info);
  }
  if (phase === "held") status.say(`generating: held after step ${steps}, Generate goes on`);
  else status.tick(steps === 0 ? "generating" : `generating, step ${steps}`);
});
sheet.addEventListener("unmask-done", (event) => {
  const { reason, effectiveTokens, steps, ms } = (event as CustomEvent<DoneEvent>).detail;
  const seconds = ms === undefined ? "" : ` in ${(ms / 1000).toFixed(1)} s`;
  const { info } = sheet;
  const threads = info === undefined ? "" : threadsOf(info);
  if (info !== undefined) void keepOffline(info);
  status.say(
    reason === "aborted"
      ? `done: stopped after ${steps} steps`
      : `done: ${effectiveTokens} tokens${seconds}${threads}`,
    sheet.text,
  );
});
sheet.addEventListener("unmask-error", (event) => {
  if (!runner.used && sheet.hasAttribute("src")) return;
  const error = (event as CustomEvent<UnmaskError>).detail;
  if (error.code === "aborted") status.say("done: stopped");
  else fail(toUnmaskError(error));
});
const followTime = atMostEvery(500, () => showTime(page.time, sheet.summaries.slice(0, sheet.state.step)));
const followText = atMostEvery(1000, () => {
  page.canvasText.textContent = sheet.text;
});
const follow = inLaterFrame(() => {
  const { phase, step, steps } = sheet.state;
  paragraph.drawn(runner.running || step < steps);
  timeline.update();
  showFigures(page.figures, sheet.state);
  refreshFiles();
  runner.refresh();
  followTime(phase === "generating");
  followText(phase === "generating");
});
sheet.addEventListener("unmask-draw", () => {
  if (sheet.text !== "") sheet.replaceChildren();
  // The frame that draws the text stays short: what surrounds it has the next one. The end is drawn before its frame.
  follow(runner.running ? (sheet.state.phase === "generating" ? 1 : 2) : 0);
});

runner.refresh();
// A recording of the embedded model: playing it loads no model. Without one the sheet stays empty.
if (WELCOME !== undefined) {
  page.invitation.textContent = "This is a recording. Begin with one of these yourself:";
  sheet.toggleAttribute("autoplay", true);
  sheet.setAttribute("src", WELCOME);
}

/** Told once everything that the next visit needs is in this browser. */
async function keepOffline(info: EngineInfo): Promise<void> {
  if (kept === info) return;
  kept = info;
  // The manifest of a model that only this browser has needs no keeping.
  const model = page.model.value.startsWith("opfs:") ? query.model : page.model.value;
  page.kept.hidden = !(await offline.keep(info, model));
}

function threadsOf({ backend, threads }: EngineInfo): string {
  return backend === "wasm" && threads === 1 ? ", on one thread" : "";
}

document.body.classList.remove("starting");

function refreshFiles(): void {
  recordings.refresh(runner.running);
  offline.refresh(runner.running);
}
