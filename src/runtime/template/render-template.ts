import type { TemplateRequest } from "../../chat/jinja.ts";
import { assertNever, UnmaskError } from "../../core/errors.ts";
import type { TemplateAnswer, TemplateTask } from "./template-runner.ts";

/** A worker that runs templates, as the platform has them. */
export interface TemplateWorker {
  post(task: TemplateTask): void;
  /** Hears every answer, and the worker's death. */
  listen(onAnswer: (answer: TemplateAnswer) => void, onDeath: (why: string) => void): void;
  kill(): void;
}

export interface TemplateLimits {
  /** For the run alone; fetching the worker has its own time. */
  readonly runMs: number;
  readonly startMs: number;
  readonly maxChars: number;
}

/** A template of a known family takes about a millisecond. */
export const TEMPLATE_LIMITS: TemplateLimits = { runMs: 2000, startMs: 20_000, maxChars: 1_000_000 };

/**
 * What a template writes. It runs in a worker of its own, which is ended in any case: a template may loop for ever.
 *
 * @throws UnmaskError `invalid-options` when the template fails or exceeds a limit; `backend-unavailable` without a worker
 */
export async function renderTemplate(
  start: () => TemplateWorker,
  { template, variables }: TemplateRequest,
  { runMs, startMs, maxChars }: TemplateLimits = TEMPLATE_LIMITS,
): Promise<string> {
  const worker = start();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      const within = (ms: number, error: UnmaskError) => {
        clearTimeout(timer);
        timer = setTimeout(() => reject(error), ms);
      };
      const absent = (why: string) =>
        new UnmaskError("backend-unavailable", `The worker for chat templates cannot be had: ${why}.`);
      let ready = false;
      within(startMs, absent(`it is not there after ${startMs / 1000} s`));
      worker.listen(
        (answer) => {
          switch (answer.kind) {
            case "ready":
              ready = true;
              within(runMs, failed(`it runs for longer than ${runMs / 1000} s`));
              return worker.post({ template, variables, maxChars });
            case "text":
              return resolve(answer.text);
            case "failed":
              return reject(failed(answer.why));
            default:
              return assertNever(answer);
          }
        },
        (why) => reject(ready ? failed(why) : absent(why)),
      );
    });
  } finally {
    clearTimeout(timer);
    worker.kill();
  }
}

function failed(why: string): UnmaskError {
  return new UnmaskError("invalid-options", `The chat template cannot be used: ${why.replace(/\.+$/, "")}.`, {
    detail: { option: "chat" },
  });
}
