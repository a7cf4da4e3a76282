import { openCompanion } from "../../src/companion/open-companion.ts";
import type { GenerateEvent } from "../../src/core/events.ts";
import { createHost } from "../../src/runtime/host/host.ts";
import { browserPlatform } from "../../src/runtime/platform/platform-browser.ts";

/** The embedded model and its autoregressive twin, which transformers.js runs, over one onnxruntime in a page. */

const at = (path: string) => new URL(path, document.baseURI).href;
const RUNTIME = { runtimeUrl: at("ort/") };

/** What a run with the twin as companion did. */
export async function write(recipe: object, length: number) {
  const host = createHost(browserPlatform());
  await host.load(at("models/default/"), { ...RUNTIME, backend: "wasm" }, () => {});
  const opened = await openCompanion({ ...RUNTIME, model: at("models/ar/") });
  let asked = 0;
  const companion: typeof opened.companion = (ask) => {
    asked++;
    return opened.companion(ask);
  };
  const events: GenerateEvent[] = [];
  const options = { maxNewTokens: length, recipe };
  const job = { kind: "generate", prompt: "Once upon a time there was a little", options } as const;
  await host.run("job", job, (event) => void events.push(event), false, undefined, companion);
  await opened[Symbol.asyncDispose]();
  await host.dispose();
  const done = events.at(-1);
  const steps = events.flatMap((event) => (event.type === "step" ? [event] : []));
  return {
    asked,
    forwards: done?.type === "done" ? done.nfe : 0,
    tokens: done?.type === "done" ? done.effectiveTokens : 0,
    text: done?.type === "done" ? done.text : "",
    agreed: steps.flatMap(({ commits }) => commits).filter(({ reason }) => reason === "draft").length,
  };
}
