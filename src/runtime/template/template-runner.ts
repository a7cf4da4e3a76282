import type { TemplateRequest } from "../../chat/jinja.ts";
import { runTemplate } from "../../chat/run-template.ts";

/** What is posted to a worker that runs one template. */
export interface TemplateTask extends TemplateRequest {
  readonly maxChars: number;
}

/** What it answers: first that it is ready, then the text or why there is none. */
export type TemplateAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "failed"; readonly why: string };

export function answerTask({ maxChars, ...request }: TemplateTask): TemplateAnswer {
  try {
    return { kind: "text", text: runTemplate(request, maxChars) };
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message.slice(0, 500) : "it failed" };
  }
}
