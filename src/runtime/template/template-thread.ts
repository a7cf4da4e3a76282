import { parentPort } from "node:worker_threads";
import { answerTask, type TemplateAnswer, type TemplateTask } from "./template-runner.ts";

/** The entry of Node's template worker: what workers/template.worker.ts is in a browser. */
const tell = (answer: TemplateAnswer): void => parentPort?.postMessage(answer);
parentPort?.on("message", (task: TemplateTask) => tell(answerTask(task)));
tell({ kind: "ready" });
