import type { GenerateEvent } from "../../src/core/events.ts";
import { createHost } from "../../src/runtime/host.ts";
import { browserPlatform } from "../../src/runtime/platform-browser.ts";

/** The worker's side of the engine in a page, where GPU objects can be counted. */

interface Census {
  /** Devices that were neither destroyed nor lost. */
  readonly devices: number;
  /** Buffers of those devices that were not destroyed. */
  readonly buffers: number;
}

const devices = new Map<GPUDevice, Set<GPUBuffer>>();

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
 * One text written undisturbed, and once more with the device taken away after step 2.
 *
 * @returns their tokens and the events of the second
 */
export async function loseDevice(cache: "none" | "dual") {
  const { host, load, run: write } = openTiny();
  await load();
  const run = (length: number, onEvent?: (event: GenerateEvent) => void) => write(length, onEvent, { cache });
  const whole = await run(6);
  const events: GenerateEvent[] = [];
  const broken = await run(6, (event) => {
    events.push(event);
    if (event.type === "step" && event.step === 2) for (const device of devices.keys()) device.destroy();
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
