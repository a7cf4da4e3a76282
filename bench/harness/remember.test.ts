import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runToEnd } from "./lab.ts";
import { openBundle } from "./open-lab.ts";
import { rememberForwards } from "./remember.ts";
import { chooseRuntime } from "./runtime.ts";

const MODEL = fileURLToPath(new URL("../../public/models/default", import.meta.url));

test("decoders write the same from remembered forwards, and those are not computed again", async () => {
  const runtime = await chooseRuntime("native", "q4");
  const { platform, spared } = rememberForwards(runtime.platform);
  const { signal } = new AbortController();
  const open = (chosen: typeof platform) =>
    openBundle(MODEL, { ...runtime, platform: chosen }, "q4", 1, signal);
  const write = async (model: Awaited<ReturnType<typeof open>>, recipe: object) => {
    const options = { mode: "task", maxNewTokens: 16, recipe };
    const { tokens, nfe, rows } = await runToEnd(
      { kind: "generate", prompt: "reverse sun cat", options },
      { model, signal },
    );
    return { tokens, nfe, rows };
  };
  const recipes = [
    { preset: "llada" },
    { preset: "freedave" },
    { preset: "eb" },
    { preset: "llada", cache: "dual", block: 8 },
    { preset: "fast-dllm", guidance: { cfg: 0.5 } },
  ];
  const plain = await open(runtime.platform);
  const remembering = await open(platform);
  const wanted = [];
  for (const recipe of recipes) wanted.push(await write(plain, recipe));
  const found = [];
  for (const recipe of recipes) found.push(await write(remembering, recipe));
  expect(found).toEqual(wanted);
  const before = spared();
  expect(before).toBeGreaterThan(0);
  await write(remembering, recipes[0]!);
  expect(spared()).toBeGreaterThan(before);
  await plain.denoiser.dispose();
  await remembering.denoiser.dispose();
});
