/** What is known of an adapter before a device is made. */
export interface AdapterFacts {
  readonly adapter: GPUAdapter;
  readonly name: string;
  readonly software: boolean;
  readonly half: boolean;
}

const COPIED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** onnxruntime's attention kernel reads the wrong keys when a subgroup has fewer lanes than this. */
const MIN_SUBGROUP = 8;

export async function findAdapter(gpu: GPU): Promise<AdapterFacts | undefined> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (adapter === null) return undefined;
  const { info } = adapter;
  const name = [info.vendor, info.architecture, info.description].filter((part) => part !== "").join(" ");
  const flagged =
    info.isFallbackAdapter === true ||
    (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter === true; // where Chromium had it before
  return {
    adapter,
    name: name === "" ? "an unnamed adapter" : name,
    software: flagged || /swiftshader|llvmpipe|lavapipe|basic render/i.test(name),
    half: adapter.features.has("shader-f16"),
  };
}

/** A device with the adapter's limits, and with subgroups only where onnxruntime computes rightly with them. */
export function requestDevice({ adapter, half }: AdapterFacts): Promise<GPUDevice> {
  const smallest = adapter.info.subgroupMinSize as number | undefined;
  const subgroups = smallest !== undefined && smallest >= MIN_SUBGROUP;
  const wanted: readonly string[] = [
    ...(half ? ["shader-f16"] : []),
    ...(subgroups ? ["subgroups", "subgroup-size-control"] : []),
  ];
  const requiredLimits = Object.fromEntries(
    COPIED_LIMITS.map((limit) => [limit, adapter.limits[limit]] as const).filter(
      ([, value]) => value !== undefined,
    ),
  );
  const features = wanted.filter((feature) => adapter.features.has(feature as GPUFeatureName));
  return adapter.requestDevice({ requiredFeatures: features as GPUFeatureName[], requiredLimits });
}
