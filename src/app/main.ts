import { toUnmaskError, type UnmaskError } from "../core/errors.ts";
import type { LoadEvent } from "../core/events.ts";
import { defineUnmaskText } from "../element/define.ts";
import type { DoneEvent } from "../element/element.ts";
import { showProblem } from "./advice.ts";
import { fillSelects, readQuery, showMore } from "./controls.ts";
import { listExamples } from "./examples.ts";
import { showFigures } from "./figures.ts";
import { showModel, showNoModel } from "./model-box.ts";
import { wireModelCard } from "./model-card.ts";
import { createOffline } from "./offline.ts";
import { findPage } from "./page.ts";
import { createParagraph } from "./paragraph.ts";
import { createProgress } from "./progress.ts";
import { wireRecordings } from "./recordings.ts";
import { createRunner } from "./runner.ts";
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
const paragraph = createParagraph(page);
const runner = createRunner(page, paragraph, status.say, () => {
  progress.hide();
  refreshFiles();
});

const offline = createOffline(page);
const fail = (error: UnmaskError): void => {
  status.say(`error: ${error.code}`);
  showProblem(page.problem, error, runner.remedy);
};
const recordings = wireRecordings(page, { show: runner.show, fail });

wireModelCard(page, (error) => fail(toUnmaskError(error)));
wireTheme(page.theme);
if (query.shared !== "") page.prompt.value = query.shared;
fillSelects(page);
listExamples(page);
sheet.loadOptions = query.load;
page.model.append(new Option(query.model === "models/default" ? "Unmask default" : query.model, query.model));
sheet.setAttribute("model", query.model);
showNoModel(page, query.load);

page.form.addEventListener("submit", (event) => {
  event.preventDefault();
  runner.submit();
});
page.fill.addEventListener("click", runner.fill);
page.step.addEventListener("click", runner.step);
page.stop.addEventListener("click", () => sheet.abort());
page.load.addEventListener("click", () =>
  runner.load(async () => {
    const info = await sheet.load();
    showModel(page, info, query.load);
    offline.keep(info, query.model);
    status.say(`ready: ${info.name} is loaded`);
  }),
);
page.more.addEventListener("click", () => showMore(page, page.moreFields.hidden !== false));
page.heat.addEventListener("change", () => sheet.toggleAttribute("heat", page.heat.checked));
page.backendChip.addEventListener("click", () => {
  page.backendReason.hidden = !page.backendReason.hidden;
  page.backendChip.ariaExpanded = String(!page.backendReason.hidden);
});
page.prompt.addEventListener("input", () => {
  paragraph.edited();
  runner.refresh();
});
page.prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) page.form.requestSubmit();
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
  if (steps === 0 && sheet.info !== undefined) showModel(page, sheet.info, query.load);
  if (phase === "held") status.say(`generating: held after step ${steps}, Generate goes on`);
  else status.tick(steps === 0 ? "generating" : `generating, step ${steps}`);
});
sheet.addEventListener("unmask-done", (event) => {
  const { reason, effectiveTokens, steps, ms } = (event as CustomEvent<DoneEvent>).detail;
  const seconds = ms === undefined ? "" : ` in ${(ms / 1000).toFixed(1)} s`;
  if (sheet.info !== undefined) offline.keep(sheet.info, query.model);
  status.say(
    reason === "aborted" ? `done: stopped after ${steps} steps` : `done: ${effectiveTokens} tokens${seconds}`,
  );
});
sheet.addEventListener("unmask-error", (event) => {
  if (!runner.used && sheet.hasAttribute("src")) return;
  const error = (event as CustomEvent<UnmaskError>).detail;
  status.say(error.code === "aborted" ? "done: stopped" : `error: ${error.code}`);
  if (error.code !== "aborted") showProblem(page.problem, toUnmaskError(error), runner.remedy);
});
sheet.addEventListener("unmask-draw", () => {
  page.canvasText.textContent = sheet.text;
  showFigures(page.figures, sheet.state);
  timeline.update();
  paragraph.drawn(runner.running || sheet.state.step < sheet.state.steps);
  refreshFiles();
  runner.refresh();
});

runner.refresh();
// A recording of the embedded model: playing it loads no model. Without one the sheet stays empty.
if (WELCOME !== undefined) {
  page.invitation.textContent = "This is a recording. Begin with one of these yourself:";
  sheet.toggleAttribute("autoplay", true);
  sheet.setAttribute("src", WELCOME);
}

function refreshFiles(): void {
  recordings.refresh(runner.running);
  offline.refresh(runner.running);
}
