import { UnmaskError } from "../../src/core/errors.ts";
import type { OrtModule } from "../../src/runtime/ort/ort.ts";
import type { Platform } from "../../src/runtime/platform/platform.ts";
import { nodePlatform } from "../../src/runtime/platform/platform-node.ts";
import { loadNativeOrt } from "./native-ort.ts";

/** Which onnxruntime a measurement runs on. Texts and forwards do not depend on it, times do. */
export interface Runtime {
  readonly kind: "native" | "wasm";
  /** One sentence for people. */
  readonly reason: string;
  readonly platform: Platform;
}

/**
 * onnxruntime-node where it loads, WASM elsewhere. int8 runs on WASM unless `native` is asked for: its activations are
 * rounded to codes, and where two machines differ in the last bit some codes differ, which moves logits by tenths, as
 * far as int8 is from q4. The golden forward of a bundle is WASM's. Other weights agree to 1e-4.
 *
 * @param asked `native`, `wasm` or nothing
 * @param variant of the weights, where it was asked for
 * @throws UnmaskError `invalid-options`; `backend-unavailable` when `native` was asked for and cannot be had
 */
export async function chooseRuntime(
  asked: unknown,
  variant?: unknown,
  loadNative = loadNativeOrt,
): Promise<Runtime> {
  if (asked !== undefined && asked !== "native" && asked !== "wasm") {
    throw new UnmaskError(
      "invalid-options",
      `--runtime is native or wasm, not "${String(asked).slice(0, 40)}".`,
      {
        detail: { option: "runtime" },
      },
    );
  }
  const platform = nodePlatform();
  if (asked === "wasm") return { kind: "wasm", reason: "WASM, because it was asked for.", platform };
  if (asked === undefined && variant === "int8") {
    return { kind: "wasm", reason: "WASM, because int8 rounds differently on the native runtime.", platform };
  }
  let ort: OrtModule;
  try {
    ort = await loadNative();
  } catch (cause) {
    const why = `onnxruntime-node does not load here: ${firstLine(cause)}`;
    if (asked === "native") throw new UnmaskError("backend-unavailable", why, { cause });
    return { kind: "wasm", reason: `WASM, because ${why}`, platform };
  }
  const reason = `onnxruntime-node ${ort.env.versions.node ?? ""} on the CPU: no statement about a browser's speed.`;
  return { kind: "native", reason, platform: { ...platform, loadOrt: async () => ort } };
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
}
