import { isUnmaskError } from "../../src/core/errors.ts";
import type { GenerateEvent } from "../../src/core/events.ts";
import { createHost } from "../../src/runtime/host/host.ts";
import { browserPlatform } from "../../src/runtime/platform/platform-browser.ts";

/** The worker's side of the engine in a page, where GPU objects can be counted. */

interface Census {
  /** Devices that were neither destroyed nor lost. */
  readonly devices: number;
  /** Buffers of those devices that were not destroyed. */
  readonly buffers: number;
}

const devices = new Map<GPUDevice, Set<GPUBuffer>>();
/** Buffers made so far. */
let made = 0;

/** Wraps the calls that make and free devices and buffers. */
export function countGpuObjects(): void {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    devices.set(device, new Set());
    void device.lost.then(() => devices.delete(device));
    return device;
  };
  const { destroy: end } = GPUDevice.prototype;
  GPUDevice.prototype.destroy = function () {
    devices.delete(this);
    return end.call(this);
  };
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    made++;
    devices.get(this)?.add(buffer);
    return buffer;
  };
  const { destroy } = GPUBuffer.prototype;
  GPUBuffer.prototype.destroy = function () {
    for (const buffers of devices.values()) buffers.delete(this);
    return destroy.call(this);
  };
}

export function census(): Census {
  return {
    devices: devices.size,
    buffers: [...devices.values()].reduce((sum, buffers) => sum + buffers.size, 0),
  };
}

const LOAD = {
  backend: "webgpu",
  allowSoftware: true,
  runtimeUrl: new URL("ort/", document.baseURI).href,
} as const;

export function openTiny() {
  const host = createHost(browserPlatform());
  const load = () => host.load(new URL("models/tiny/", document.baseURI).href, LOAD, () => {});
  const run = async (
    length: number,
    onEvent: (event: GenerateEvent) => void = () => {},
    recipe: object = {},
  ) => {
    const events: GenerateEvent[] = [];
    const options = { maxNewTokens: length, recipe: { preset: "llada", block: length, ...recipe } };
    await host.run("job", { kind: "generate", prompt: "a b", options }, (event) => {
      events.push(event);
      onEvent(event);
    });
    const done = events.at(-1);
    return done?.type === "done" ? { ...done, ms: 0 } : undefined;
  };
  return { host, load, run };
}

/**
 * One text written undisturbed, and once more with the device taken away, or without memory, after step 2.
 *
 * @returns their tokens and the events of the second
 */
export async function loseDevice(recipe: object, how: "lost" | "exhausted" = "lost") {
  const { host, load, run: write } = openTiny();
  await load();
  const run = (length: number, onEvent?: (event: GenerateEvent) => void) => write(length, onEvent, recipe);
  const whole = await run(6);
  const events: GenerateEvent[] = [];
  const broken = await run(6, (event) => {
    events.push(event);
    if (event.type !== "step" || event.step !== 2) return;
    if (how === "exhausted") exhaust();
    else for (const device of devices.keys()) device.destroy();
  });
  const after = await run(6);
  await host.dispose();
  return { whole, broken, after, events, left: census() };
}

/** Opens, writes `runs` times and closes; what is alive after each run and in the end. */
export async function openAndClose(runs: number): Promise<{ open: Census[]; closed: Census }> {
  const { host, load, run } = openTiny();
  await load();
  const open: Census[] = [];
  for (let n = 0; n < runs; n++) {
    await run(1);
    open.push(census());
  }
  await host.dispose();
  return { open, closed: census() };
}

/** Buffers made during each step of a text of one block, after one of the same kind. */
export async function buffersPerStep(recipe: object): Promise<number[]> {
  const { host, load, run } = openTiny();
  await load();
  await run(8, undefined, recipe);
  const steps: number[] = [];
  let before = made;
  await run(
    8,
    (event) => {
      if (event.type !== "step") return;
      steps.push(made - before);
      before = made;
    },
    recipe,
  );
  await host.dispose();
  return steps;
}

/**
 * A text during which the GPU says that its memory is used up, as it does when a buffer cannot be made, and a shorter one
 * after it.
 */
export async function runOutOfMemory() {
  const { host, load, run } = openTiny();
  await load();
  const short = await run(4);
  const code = await run(12, (event) => {
    if (event.type !== "step" || event.step !== 2) return;
    exhaust();
  }).then(
    () => "none",
    (error: unknown) => (isUnmaskError(error) ? error.code : String(error)),
  );
  const released = census();
  const after = await run(4);
  await host.dispose();
  return { short, code, released, after, left: census() };
}

/** Every device says that its memory is used up. */
function exhaust(): void {
  const error = new GPUOutOfMemoryError("nothing left");
  for (const device of devices.keys()) {
    device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
  }
}

/** Opens and writes where the adapter reports a limit of `bytes` for what it binds at once; a code where it fails. */
export async function openLimited(bytes: number): Promise<string> {
  const limits = Object.getOwnPropertyDescriptor(
    GPUSupportedLimits.prototype,
    "maxStorageBufferBindingSize",
  )!;
  Object.defineProperty(GPUSupportedLimits.prototype, "maxStorageBufferBindingSize", { get: () => bytes });
  const { host, load, run } = openTiny();
  try {
    const { backend } = await load();
    const short = await run(4);
    const long = await run(80).then(
      () => "none",
      (error: unknown) => (isUnmaskError(error) ? error.code : String(error)),
    );
    const after = await run(4);
    return `${backend}, ${long}, ${after?.text === short?.text ? "same" : "other"}`;
  } catch (error) {
    return isUnmaskError(error) ? error.code : String(error);
  } finally {
    await host.dispose();
    Object.defineProperty(GPUSupportedLimits.prototype, "maxStorageBufferBindingSize", limits);
  }
}
