import type { TemplateWorker } from "./render-template.ts";
import type { TemplateAnswer } from "./template-runner.ts";

/** A worker of the engine's worker. */
export function startTemplateWorker(): TemplateWorker {
  const worker = new Worker(new URL("../../../workers/template.worker.ts", import.meta.url), {
    type: "module",
  });
  return {
    post: (task) => worker.postMessage(task),
    listen(onAnswer, onDeath) {
      worker.addEventListener("message", ({ data }: MessageEvent<TemplateAnswer>) => onAnswer(data));
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        onDeath(event.message || "it stopped");
      });
    },
    kill: () => worker.terminate(),
  };
}
