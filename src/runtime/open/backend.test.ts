import { expect, test } from "vitest";
import type { Platform } from "../platform/platform.ts";
import { chooseBackend, chooseVariants } from "./backend.ts";

const MANY = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxComputeInvocationsPerWorkgroup: 256,
} as GPUSupportedLimits;

/** An adapter that records what is asked of it; only what the choice looks at is there. */
function fakeGpu(
  info: Partial<GPUAdapterInfo>,
  features: string[] = [],
  limits = MANY,
  device = {} as GPUDevice,
) {
  const asked: GPUDeviceDescriptor[] = [];
  const adapter = {
    info: { vendor: "acme", architecture: "one", description: "", ...info },
    features: new Set(features),
    limits,
    requestDevice: async (descriptor: GPUDeviceDescriptor) => {
      asked.push(descriptor);
      return device;
    },
  };
  return { gpu: { requestAdapter: async () => adapter } as unknown as GPU, asked };
}

function platform(gpu: GPU | undefined, threads = true, cores = 4): Platform {
  const none = () => {
    throw new Error("not part of this test");
  };
  const noThreadsReason = "the page is not cross-origin isolated";
  return { gpu, threads, cores, noThreadsReason, loadOrt: none, openSource: none, openStore: none };
}

test("auto takes a real adapter, with its limits", async () => {
  const { gpu, asked } = fakeGpu({ subgroupMinSize: 32 }, ["shader-f16", "subgroups"]);
  const choice = await chooseBackend({}, platform(gpu), 4096);
  expect(choice).toMatchObject({ kind: "webgpu", half: true, reason: "WebGPU on acme one." });
  expect(asked[0]).toMatchObject({
    requiredFeatures: ["shader-f16", "subgroups"],
    requiredLimits: { maxStorageBufferBindingSize: 2 ** 27 },
  });
});

test("the GPU belongs to one tab: another one runs on WASM and says why", async () => {
  const { gpu } = fakeGpu({});
  const taken = { ...platform(gpu), claimGpu: async () => undefined };
  const choice = await chooseBackend({}, taken, 4096);
  expect(choice).toMatchObject({ kind: "wasm" });
  expect(choice.reason).toContain("a model of another tab");
  await expect(chooseBackend({ backend: "webgpu" }, taken, 4096)).rejects.toMatchObject({
    code: "webgpu-unavailable",
  });
});

test("a claim on the GPU ends with its device", async () => {
  let lose = (): void => {};
  const lost = new Promise<void>((resolve) => {
    lose = resolve;
  });
  const { gpu } = fakeGpu({}, [], MANY, { lost } as unknown as GPUDevice);
  let held = 0;
  const claimGpu = async () => {
    held++;
    return () => void held--;
  };
  await chooseBackend({}, { ...platform(gpu), claimGpu }, 4096);
  expect(held).toBe(1);
  lose();
  await lost;
  await Promise.resolve();
  expect(held).toBe(0);
});

test("small subgroups are not asked for", async () => {
  const { gpu, asked } = fakeGpu({ subgroupMinSize: 4 }, ["subgroups", "subgroup-size-control"]);
  await chooseBackend({}, platform(gpu), 4096);
  expect(asked[0]?.requiredFeatures).toEqual([]);
});

test("a software adapter is only taken when asked for twice", async () => {
  const { gpu } = fakeGpu({ isFallbackAdapter: true, description: "SwiftShader" });
  const here = platform(gpu);
  await expect(chooseBackend({ allowSoftware: true }, here, 4096)).resolves.toMatchObject({ kind: "wasm" });
  await expect(chooseBackend({ backend: "webgpu" }, here, 4096)).rejects.toMatchObject({
    code: "webgpu-unavailable",
  });
  const both = await chooseBackend({ backend: "webgpu", allowSoftware: true }, here, 4096);
  expect(both.kind).toBe("webgpu");
});

test("without WebGPU, isolation or limits the reason says so", async () => {
  const single = await chooseBackend({}, platform(undefined, false), 4096);
  expect(single).toMatchObject({ kind: "wasm", threads: 1 });
  expect(single.reason).toBe(
    "WASM with one thread, because there is no WebGPU here; one thread, because the page is not cross-origin isolated.",
  );
  const { gpu } = fakeGpu({}, [], { ...MANY, maxStorageBufferBindingSize: 1 });
  const small = await chooseBackend({}, platform(gpu), 4096);
  expect(small).toMatchObject({ kind: "wasm", threads: 4 });
  expect(small.reason).toContain("allows 1 bytes bound at once");
  await expect(chooseBackend({ threads: 0, backend: "wasm" }, platform(gpu), 4)).rejects.toMatchObject({
    code: "invalid-options",
  });
});

test.each([
  ["maxStorageBufferBindingSize", 4 * 4096 * 64],
  ["maxBufferSize", 4 * 4096 * 64],
  ["maxComputeInvocationsPerWorkgroup", 256],
  ["maxComputeWorkgroupSizeX", 256],
  ["maxComputeWorkgroupStorageSize", 16_384],
  ["maxStorageBuffersPerShaderStage", 8],
] as const)(
  "an adapter whose %s is below %d is not taken, and the reason has both numbers",
  async (limit, least) => {
    const backendWith = async (value: number, backend: "auto" | "webgpu") =>
      chooseBackend({ backend }, platform(fakeGpu({}, [], { ...MANY, [limit]: value }).gpu), 4096);
    expect(await backendWith(least, "auto")).toMatchObject({ kind: "webgpu" });
    const { kind, reason } = await backendWith(least - 1, "auto");
    expect(kind).toBe("wasm");
    expect(reason).toMatch(new RegExp(`allows ${least - 1} .* needs ${least}`));
    await expect(backendWith(least - 1, "webgpu")).rejects.toMatchObject({ code: "webgpu-unavailable" });
  },
);

const ENTRY = { graph: "g", data: [] };
const RECORD = { topIds: [], topLogits: [], tolerance: 1 };

function bundle(variants: readonly string[], golden: readonly string[] = variants, layers = 2) {
  const record = (names: readonly string[], value: object) =>
    Object.fromEntries(names.map((name) => [name, value])) as never; // entries as the manifest has them
  return {
    name: "m",
    layers,
    variants: record(variants, ENTRY),
    golden: { ids: [], positions: [], byVariant: record(golden, RECORD) },
  };
}

const GPU = { kind: "webgpu", half: true } as const;

test("a GPU that computes in f16 gets the f16 graph, and the exact one should it come out wrong", () => {
  const all = bundle(["f32", "q8", "q8f16", "q4", "q4f16", "int8"]);
  expect(chooseVariants(all, undefined, GPU)).toEqual(["q4f16", "q4"]);
  expect(chooseVariants(all, undefined, { ...GPU, half: false })).toEqual(["q4"]);
  expect(chooseVariants(all, undefined, { kind: "wasm", half: false })).toEqual(["int8"]);
  expect(chooseVariants(bundle(["q8", "q8f16"]), undefined, GPU)).toEqual(["q8f16", "q8"]);
  expect(chooseVariants(bundle(["f16", "f32"]), undefined, GPU)).toEqual(["f16", "f32"]);
});

test("f16 without a golden forward is not chosen, but can be asked for", () => {
  const unchecked = bundle(["q4", "q4f16"], ["q4"]);
  expect(chooseVariants(unchecked, undefined, GPU)).toEqual(["q4"]);
  expect(chooseVariants(unchecked, "q4f16", { kind: "wasm", half: false })).toEqual(["q4f16"]);
  expect(() => chooseVariants(unchecked, "q3", GPU)).toThrow(/no variant "q3"/);
  expect(() => chooseVariants(bundle(["f16"]), undefined, { ...GPU, half: false })).toThrow(/webgpu/);
});

test("an f16 graph of others, which has no caches, also runs on the processor", () => {
  const wasm = { kind: "wasm", half: false } as const;
  expect(chooseVariants(bundle(["f16"], ["f16"], 0), undefined, wasm)).toEqual(["f16"]);
  expect(chooseVariants(bundle(["f16", "q4"], ["f16"], 0), undefined, wasm)).toEqual(["q4"]);
  expect(() => chooseVariants(bundle(["f16"]), undefined, wasm)).toThrow(/wasm/);
});
