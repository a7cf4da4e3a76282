import { expect } from "@playwright/test";
import { openModule } from "../support/page-module.ts";
import { SLOW, test } from "../support/strict-test.ts";
import { type ToyModels, toyModels } from "./toy-models.ts";

declare const subject: typeof import("../pages/blend.ts");

let toys: ToyModels;
test.beforeAll(async () => {
  toys = await toyModels();
});
test.afterAll(() => toys[Symbol.asyncDispose]());

for (const model of ["full", "blocks"] as const) {
  test(
    `${model} attention: a blended draft is written on the GPU as on WASM`,
    model === "blocks" ? { tag: SLOW } : {},
    async ({ page }) => {
      test.setTimeout(300_000);
      await toys.route(page, model);
      await openModule(page, "pages/blend.ts");
      const write = (backend: "webgpu" | "wasm") =>
        page.evaluate(
          ([on, isFull]) =>
            subject.writeOn(
              on,
              new URL("models/toy/", document.baseURI).href,
              new URL("ort/", document.baseURI).href,
              isFull ? "dual" : "block",
            ),
          [backend, model === "full"] as const,
        );
      const expected = await write("wasm");
      const { reason, ...found } = await write("webgpu");
      expect(reason).toContain("WebGPU");
      expect(found).toEqual({ cold: expected.cold, blended: expected.blended, cached: expected.cached });
      expect(found.blended.flat().sort()).not.toEqual(found.cold.flat().sort());
    },
  );
}
