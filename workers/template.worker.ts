import {
  answerTask,
  type TemplateAnswer,
  type TemplateTask,
} from "../src/runtime/template/template-runner.ts";

const tell = (answer: TemplateAnswer): void => postMessage(answer);
addEventListener("message", ({ data }: MessageEvent<TemplateTask>) => tell(answerTask(data)));
tell({ kind: "ready" });
