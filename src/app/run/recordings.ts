import { toUnmaskError, UnmaskError } from "../../core/errors.ts";
import type { Trace } from "../../core/events.ts";
import { visible } from "../../element/spans.ts";
import { sharedText } from "../ask/controls.ts";
import type { Page } from "../page.ts";

/** What happens with a file that was opened, or with text that another app shared. */
export interface RecordingHost {
  show(trace: Trace): void;
  share(text: string): void;
  fail(error: UnmaskError): void;
}

/** The part of `launchQueue` that is used; browsers that hand files to installed apps have it. */
interface LaunchQueue {
  setConsumer(consumer: (launch: Launch) => void): void;
}

interface Launch {
  readonly files: readonly FileSystemFileHandle[];
  /** The address that the app would have been opened with. */
  readonly targetURL?: string;
}

/** Saves the run on the sheet as a `.unmask.json` file, and opens such files: chosen, dropped, or handed over by the system. */
export function wireRecordings(page: Page, host: RecordingHost): { refresh(running: boolean): void } {
  const open = async (given: File | Promise<File> | undefined): Promise<void> => {
    if (given === undefined) return;
    try {
      const file = await given;
      if (running) throw new UnmaskError("busy", "The model is still writing.");
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
    void open(event.dataTransfer.files[0]);
  });
  const { launchQueue } = globalThis as { launchQueue?: LaunchQueue };
  launchQueue?.setConsumer(({ files, targetURL }) => {
    void open(files[0]?.getFile());
    // An app that is already open is only told what was shared with it.
    const shared = targetURL === undefined ? "" : sharedText(new URL(targetURL).searchParams);
    if (shared !== "" && !running) host.share(shared);
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
  const { MAX_TRACE_BYTES, parseTrace } = await import("../../engine/record/trace.ts");
  if (file.size > MAX_TRACE_BYTES) {
    throw new UnmaskError("trace-invalid", `${visible(file.name)} is too large for a recording.`);
  }
  return parseTrace(parseJson(await file.text(), file.name));
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UnmaskError("trace-invalid", `${visible(name)} is not a recording: it is no JSON.`, { cause });
  }
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
