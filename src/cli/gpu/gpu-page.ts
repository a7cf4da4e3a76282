import {
  type GraphData,
  type GraphFeed,
  type GraphHost,
  type HostedGraph,
  ortHost,
} from "../../convert/graph/graph-host.ts";
import { findAdapter, requestDevice } from "../../runtime/gpu/gpu-device.ts";
import { type GpuFaults, watchFaults } from "../../runtime/gpu/gpu-faults.ts";
import type { OrtModule } from "../../runtime/ort/ort.ts";

/** What the page of gpu-browser.ts runs: graphs on WebGPU, on one device for all of them. */

export interface GpuFound {
  /** For people. */
  readonly name: string;
  readonly software: boolean;
  /** The adapter computes in f16. */
  readonly half: boolean;
}

interface Started {
  readonly host: GraphHost;
  readonly faults: GpuFaults;
  /** Rejects when the device is lost. */
  readonly lost: Promise<never>;
}

let started: Started | undefined;
const graphs: HostedGraph[] = [];

/** The adapter that would be taken; undefined: WebGPU has none here. */
export async function findGpu(): Promise<GpuFound | undefined> {
  const gpu = navigator.gpu as GPU | undefined; // absent where a policy forbids it
  const found = gpu && (await findAdapter(gpu));
  return found && { name: found.name, software: found.software, half: found.half };
}

/**
 * Loads onnxruntime and takes the device.
 *
 * @param runtime address of the folder of onnxruntime-web's files
 */
export async function start(runtime: string): Promise<void> {
  const ort = (await import(/* @vite-ignore */ `${runtime}ort.webgpu.min.mjs`)) as OrtModule; // the module of that name
  ort.env.wasm.wasmPaths = runtime;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const found = await findAdapter(navigator.gpu);
  if (found === undefined) throw new Error("WebGPU offers no adapter.");
  const device = await requestDevice(found);
  const lost = device.lost.then(({ message }) => {
    throw new Error(`The GPU was taken away: ${message}`);
  });
  lost.catch(() => {}); // told by the run that it ends
  started = { host: ortHost(ort, { name: "webgpu", device }), faults: watchFaults(device), lost };
}

/** The number of the graph, and the names of its inputs. */
export async function open(
  model: Uint8Array,
  data: readonly GraphData[],
  optimization?: "disabled",
): Promise<{ graph: number; inputNames: readonly string[] }> {
  const graph = await onDevice(({ host }) => host.open(model, data, optimization));
  return { graph: graphs.push(graph) - 1, inputNames: graph.inputNames };
}

export function run(
  graph: number,
  feeds: Readonly<Record<string, GraphFeed>>,
): Promise<Readonly<Record<string, Float32Array>>> {
  return onDevice(() => graphs[graph]!.run(feeds));
}

export async function release(graph: number): Promise<void> {
  await graphs[graph]!.release();
}

async function onDevice<T>(work: (on: Started) => Promise<T>): Promise<T> {
  if (started === undefined) throw new Error("The page was not started.");
  const result = await Promise.race([work(started), started.lost]);
  started.faults.check();
  return result;
}
