import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { TemplateWorker } from "./render-template.ts";
import type { TemplateAnswer } from "./template-runner.ts";

/** Beside the package's entries, which may be this file or a folder up; in the checkout behind what translates it. */
const PLACES = ["./template-thread.js", "../template-thread.js", "../../../scripts/template-thread.mjs"];
/** A template of a few kilobytes needs a few megabytes. */
const MAX_HEAP_MB = 256;

/** A thread of Node; one that takes too much memory ends alone. */
export function startTemplateWorker(): TemplateWorker {
  const places = PLACES.map((path) => new URL(path, import.meta.url));
  const worker = new Worker(places.find((url) => existsSync(url)) ?? places[0]!, {
    // Flags of the process, like --input-type or --import, are not meant for it.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    stderr: true,
  });
  return {
    post: (task) => worker.postMessage(task),
    listen(onAnswer, onDeath) {
      worker.on("message", (answer: TemplateAnswer) => onAnswer(answer));
      worker.on("error", ({ message }) => onDeath(message));
    },
    kill: () => void worker.terminate(),
  };
}
