import { UnmaskError } from "../../core/errors.ts";

/**
 * Errors that no call on a device reports: WebGPU tells them as events, and what failed reads as zeros. Whoever has
 * waited for the device asks here whether the numbers mean anything.
 */
export interface GpuFaults {
  /** @throws UnmaskError `out-of-memory` or `internal` when something has failed since the last call */
  check(): void;
}

export function watchFaults(device: GPUDevice): GpuFaults {
  let fault: GPUError | undefined;
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    fault ??= event.error;
  });
  return {
    check() {
      if (fault === undefined) return;
      const { message } = fault;
      const isMemory = fault instanceof GPUOutOfMemoryError;
      fault = undefined;
      if (isMemory) {
        const text = "The GPU has no memory left for this. A shorter text or a smaller model needs less.";
        throw new UnmaskError("out-of-memory", text, { detail: { gpu: message.slice(0, 200) } });
      }
      throw new UnmaskError("internal", `The GPU refused a command: ${message.slice(0, 300)}`);
    },
  };
}
