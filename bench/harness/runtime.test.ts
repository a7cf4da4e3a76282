import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { ForwardRequest } from "../../src/core/types.ts";
import { loadModel } from "../../src/runtime/open/load-model.ts";
import { chooseRuntime } from "./runtime.ts";

const MODEL = fileURLToPath(new URL("../../public/models/default", import.meta.url));

test("goes on with WASM and says why when the native runtime does not load", async () => {
  const { kind, reason } = await chooseRuntime(undefined, undefined, () =>
    Promise.reject(new Error("no binary\nmore")),
  );
  expect(kind).toBe("wasm");
  expect(reason).toContain("no binary");
  const asked = chooseRuntime("native", undefined, () => Promise.reject(new Error("no binary")));
  await expect(asked).rejects.toMatchObject({ code: "backend-unavailable" });
  await expect(chooseRuntime("cuda")).rejects.toMatchObject({ code: "invalid-options" });
});

test("int8 rounds differently on each machine and goes to WASM unless it is asked for natively", async () => {
  expect((await chooseRuntime(undefined, "int8")).kind).toBe("wasm");
  expect((await chooseRuntime(undefined, "q4")).kind).toBe("native");
  expect((await chooseRuntime("native", "int8")).kind).toBe("native");
});

test("native and WASM give the same best tokens and the same logits to rounding", async () => {
  const found = [];
  for (const kind of ["native", "wasm"] as const) {
    const { platform } = await chooseRuntime(kind);
    const model = await loadModel(
      platform,
      MODEL,
      { variant: "q4", threads: 1 },
      () => {},
      new AbortController().signal,
    );
    const { mask } = model.manifest.tokens;
    const ids = Int32Array.from({ length: 48 }, (_, row) => (row < 16 ? (row * 31 + 7) % 4000 : mask));
    const request: ForwardRequest = {
      canvases: [ids],
      rows: Int32Array.from({ length: 32 }, (_, i) => 16 + i),
      attention: model.manifest.attention,
      guidance: { kind: "none" },
      signals: { topK: 1, entropy: false, current: false, probe: [] },
      suppress: [mask],
      kv: null,
      promptLen: 16,
    };
    const { topIds, topLogits } = await model.denoiser.forward(request);
    found.push({ ids: [...topIds], logits: [...topLogits] });
    await model.denoiser.dispose();
  }
  const [native, wasm] = found;
  expect(native!.ids).toEqual(wasm!.ids);
  for (const [i, logit] of native!.logits.entries())
    expect(Math.abs(logit - wasm!.logits[i]!)).toBeLessThan(1e-3);
});
