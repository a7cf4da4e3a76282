import type { GenerateEvent } from "../../src/core/events.ts";
import { createHost } from "../../src/runtime/host/host.ts";
import { browserPlatform } from "../../src/runtime/platform/platform-browser.ts";

/** What a backend writes from nothing and from a draft that is blended into the masks. */
export interface Written {
  readonly reason: string;
  /** `row id` of each commit, step by step. */
  readonly cold: readonly (readonly string[])[];
  readonly blended: readonly (readonly string[])[];
  /** The same over stored keys and values. */
  readonly cached: readonly (readonly string[])[];
}

export async function writeOn(
  backend: "webgpu" | "wasm",
  model: string,
  runtimeUrl: string,
  cache: "dual" | "block",
): Promise<Written> {
  const host = createHost(browserPlatform());
  const options = { backend, allowSoftware: true, runtimeUrl, variant: "q4", threads: 1 };
  const { reason } = await host.load(model, options, () => {});
  const write = async (more: object) => {
    const recipe = { preset: "fast-dllm", block: 8, stop: { eos: false }, ...more };
    const steps: string[][] = [];
    const tell = (event: GenerateEvent) => {
      if (event.type === "step") steps.push(event.commits.map(({ row, id }) => `${row} ${id}`));
    };
    await host.run("job", { kind: "generate", prompt: "a b", options: { recipe, maxNewTokens: 16 } }, tell);
    return steps;
  };
  const init = { draft: "b a b a b a b a", blend: 0.5 };
  const cold = await write({});
  const blended = await write({ init });
  const cached = await write({ init, cache });
  await host.dispose();
  return { reason, cold, blended, cached };
}
