import { UnmaskError } from "../../core/errors.ts";
import type { Manifest } from "../../model/manifest.ts";
import { isHalf } from "../../model/variant.ts";
import type { BackendKind, LoadOptions } from "../../protocol.ts";
import { type AdapterFacts, findAdapter, requestDevice } from "../gpu/gpu-device.ts";
import { LANES } from "../gpu/row-kernel.ts";
import type { BackendChoice } from "../ort/backend-choice.ts";
import type { Platform } from "../platform/platform.ts";

const MAX_THREADS = 8;
/** Rows of logits that must fit into one storage binding. */
const LOGIT_ROWS = 64;

/**
 * `auto` takes a real WebGPU adapter with enough limits, else WASM. A software adapter is 40 times slower than WASM and
 * only taken when it is asked for twice: `backend: "webgpu"` and `allowSoftware`.
 *
 * @throws UnmaskError `webgpu-unavailable` when `webgpu` was asked for and cannot be had, `invalid-options`
 */
export async function chooseBackend(
  options: LoadOptions,
  platform: Platform,
  vocab: number,
): Promise<BackendChoice> {
  const { backend = "auto", allowSoftware = false } = options;
  if (backend !== "auto" && backend !== "webgpu" && backend !== "wasm") {
    throw new UnmaskError(
      "invalid-options",
      `There is no backend "${String(backend)}"; known: auto, webgpu, wasm.`,
    );
  }
  if (backend === "wasm") return wasm(options, platform, "it was asked for");
  const tried = await tryWebGpu(platform, allowSoftware && backend === "webgpu", vocab);
  if (typeof tried !== "string") return tried;
  if (backend === "webgpu") {
    throw new UnmaskError("webgpu-unavailable", `WebGPU was asked for, but ${tried}.`, {
      detail: { why: tried },
    });
  }
  return wasm(options, platform, tried);
}

/** A choice, or the reason why not. */
async function tryWebGpu(
  { gpu, claimGpu }: Platform,
  allowSoftware: boolean,
  vocab: number,
): Promise<BackendChoice | string> {
  if (gpu === undefined) return "there is no WebGPU here";
  const found = await findAdapter(gpu);
  if (found === undefined) return "WebGPU offers no adapter";
  if (found.software && !allowSoftware) {
    return `the only WebGPU adapter is software (${found.name}), which is slower than WASM`;
  }
  const short = shortage(found, vocab);
  if (short !== undefined) return short;
  const release = claimGpu === undefined ? () => {} : await claimGpu();
  if (release === undefined) return "a model of another tab, or another element of this page, is on the GPU";
  try {
    const device = await requestDevice(found);
    // Also when it is destroyed.
    void device.lost?.then(release);
    const reason = `WebGPU on ${found.name}${found.software ? " (software, as allowed)" : ""}.`;
    return { kind: "webgpu", device, half: found.half, threads: 1, reason };
  } catch (error) {
    release();
    return `the adapter ${found.name} gives no device (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** What the row kernel and onnxruntime's kernels count on; WebGPU's own least for all but the logits. */
function shortage({ adapter: { limits }, name }: AdapterFacts, vocab: number): string | undefined {
  const logits = 4 * vocab * LOGIT_ROWS;
  const needs = [
    ["maxStorageBufferBindingSize", logits, "bytes bound at once"],
    ["maxBufferSize", logits, "bytes in a buffer"],
    ["maxComputeInvocationsPerWorkgroup", LANES, "invocations a workgroup"],
    ["maxComputeWorkgroupSizeX", LANES, "invocations a workgroup"],
    ["maxComputeWorkgroupStorageSize", 16_384, "bytes shared by a workgroup"],
    ["maxStorageBuffersPerShaderStage", 8, "buffers in a kernel"],
  ] as const;
  const missed = needs.find(([limit, least]) => limits[limit] < least);
  if (missed === undefined) return undefined;
  const [limit, least, of] = missed;
  return `the adapter ${name} allows ${limits[limit]} ${of} and this model needs ${least}`;
}

function wasm({ threads: asked }: LoadOptions, platform: Platform, why: string): BackendChoice {
  if (asked !== undefined && !(Number.isInteger(asked) && asked >= 1 && asked <= 64)) {
    throw new UnmaskError(
      "invalid-options",
      `threads must be a whole number from 1 to 64, got ${String(asked)}.`,
      {
        detail: { option: "threads" },
      },
    );
  }
  const { cores } = platform;
  const natural = cores <= 4 ? cores : Math.min(MAX_THREADS, Math.ceil(cores / 2));
  const threads = platform.threads ? (asked ?? natural) : 1;
  const single = platform.threads ? "" : `; one thread, because ${platform.noThreadsReason}`;
  const count = threads === 1 ? "one thread" : `${threads} threads`;
  const reason = `WASM with ${count}, because ${why}${single}.`;
  return { kind: "wasm", half: false, threads, reason };
}

const PREFERENCE: Readonly<Record<BackendKind, readonly string[]>> = {
  webgpu: ["q4f16", "q4", "q8f16", "q8", "f16", "f32"],
  // f16 is for graphs of others alone, which take and give f32: ours would have their caches in f16.
  wasm: ["int8", "f32", "q8", "q4", "f16"],
};

/**
 * The variants to open, best first: int8 on WASM, and on WebGPU q4, in f16 where the device computes in it. The next one
 * is for the case that f16 comes out wrong there, which only a golden forward tells: without one f16 is not chosen.
 *
 * @throws UnmaskError `variant-missing`
 */
export function chooseVariants(
  { name, variants, golden, layers }: Pick<Manifest, "name" | "variants" | "golden" | "layers">,
  asked: string | undefined,
  backend: Pick<BackendChoice, "kind" | "half">,
): [string, ...string[]] {
  const known = Object.keys(variants);
  const computes = (variant: string) =>
    backend.kind === "wasm" ? layers === 0 : backend.half && Object.hasOwn(golden.byVariant, variant);
  const fits = (variant: string) => known.includes(variant) && (!isHalf(variant) || computes(variant));
  const found = asked === undefined ? PREFERENCE[backend.kind].filter(fits) : [asked];
  const exact = found.findIndex((variant) => !isHalf(variant));
  const [first, ...others] = exact < 0 ? found : found.slice(0, exact + 1);
  if (first !== undefined && known.includes(first)) return [first, ...others];
  throw new UnmaskError(
    "variant-missing",
    asked === undefined
      ? `${name} has no weights that run on ${backend.kind}; it has ${known.join(", ")}.`
      : `${name} has no variant "${asked.slice(0, 40)}"; it has ${known.join(", ")}.`,
    { detail: { known: known.join(",") } },
  );
}
