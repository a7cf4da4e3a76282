import type { LoadEvent } from "../core/events.ts";
import type { Page } from "./page.ts";

/** Words of the status line: it must hold the phase literally (architecture.md 5.6). */
const STATUS: Readonly<Record<LoadEvent["phase"], string>> = {
  downloading: "loading the model",
  verifying: "verifying the model",
  compiling: "compiling the model",
  warming: "compiling: warming up",
};

/** The bar under the sheet: the phase in words, bytes, and the time left once the speed is known. */
export function createProgress(page: Page): { show(event: LoadEvent): string; hide(): void } {
  let since = 0;
  let phase = "";
  return {
    show(event) {
      if (event.phase !== phase) {
        phase = event.phase;
        since = performance.now();
      }
      page.loading.hidden = false;
      const share = event.totalBytes > 0 ? event.bytes / event.totalBytes : 0;
      if (event.phase === "downloading" || event.phase === "verifying") page.progress.value = share;
      else page.progress.removeAttribute("value");
      page.progressText.textContent = detailOf(event, performance.now() - since);
      return STATUS[event.phase];
    },
    hide() {
      phase = "";
      page.loading.hidden = true;
    },
  };
}

function detailOf(event: LoadEvent, ms: number): string {
  if (event.phase === "compiling") return "compiling, a few seconds";
  if (event.phase === "warming") return "warming up and checking the numbers";
  if (event.totalBytes === 0) return event.phase;
  const text = `${event.phase} ${megabytes(event.bytes)} of ${megabytes(event.totalBytes)} MB`;
  const left = event.bytes === 0 ? 0 : ((event.totalBytes - event.bytes) / event.bytes) * ms;
  return ms > 700 && left > 1000 ? `${text}, about ${Math.ceil(left / 1000)} s left` : text;
}

export function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
