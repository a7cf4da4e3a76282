import { toUnmaskError, UnmaskError } from "../core/errors.ts";
import type { Trace } from "../core/events.ts";
import type { Page } from "./page.ts";

/** Far above any real recording, and little enough to be parsed at once. */
const MAX_BYTES = 32 * 2 ** 20;

/** What happens with a file that was opened. */
export interface RecordingHost {
  show(trace: Trace): void;
  fail(error: UnmaskError): void;
}

/** The part of `launchQueue` that is used; browsers that hand files to installed apps have it. */
interface LaunchQueue {
  setConsumer(consumer: (launch: { readonly files: readonly FileSystemFileHandle[] }) => void): void;
}

/** Saves the run on the sheet as a `.unmask.json` file, and opens such files: chosen, dropped, or handed over by the system. */
export function wireRecordings(page: Page, host: RecordingHost): { refresh(running: boolean): void } {
  const open = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    try {
      host.show(await readRecording(file));
    } catch (error) {
      host.fail(toUnmaskError(error, "trace-invalid"));
    }
  };
  let running = false;
  page.openRecording.addEventListener("click", () => page.recordingFile.click());
  page.recordingFile.addEventListener("change", () => {
    void open(page.recordingFile.files?.[0]);
    page.recordingFile.value = "";
  });
  page.saveRecording.addEventListener("click", () => {
    const { trace } = page.sheet;
    if (trace !== undefined) save(trace);
  });
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files") === true) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (event.dataTransfer?.files.length !== 1) return;
    event.preventDefault();
    if (!running) void open(event.dataTransfer.files[0]);
  });
  const { launchQueue } = globalThis as { launchQueue?: LaunchQueue };
  launchQueue?.setConsumer(({ files }) => {
    if (!running) void files[0]?.getFile().then(open);
  });
  return {
    refresh(now) {
      running = now;
      page.openRecording.disabled = running;
      page.saveRecording.disabled = running || page.sheet.trace === undefined;
    },
  };
}

async function readRecording(file: File): Promise<Trace> {
  if (file.size > MAX_BYTES) {
    throw new UnmaskError("trace-invalid", `${file.name} is too large for a recording.`);
  }
  const { parseTrace } = await import("../engine/trace.ts");
  return parseTrace(JSON.parse(await file.text()));
}

function save(trace: Trace): void {
  const address = URL.createObjectURL(new Blob([JSON.stringify(trace)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = "story.unmask.json";
  link.click();
  // The download reads the address after this call.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
