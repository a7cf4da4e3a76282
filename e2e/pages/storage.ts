import { isUnmaskError } from "../../src/core/errors.ts";
import { createHost } from "../../src/runtime/host/host.ts";
import { browserPlatform } from "../../src/runtime/platform/platform-browser.ts";
import { claimGpu } from "../../src/runtime/store/locks.ts";

/** The engine in a worker whose storage can be spoilt. */

/** Opens the bundle beside the worker; resolves with the codes of its warnings, or the code it failed with. */
export async function open(): Promise<string | string[]> {
  const host = createHost(browserPlatform());
  const here = globalThis.location.href;
  const runtimeUrl = new URL("ort/", here).href;
  try {
    const info = await host.load(new URL("model/", here).href, { backend: "wasm", runtimeUrl }, () => {});
    await host.dispose();
    return info.warnings.map(({ code }) => code);
  } catch (error) {
    return isUnmaskError(error) ? error.code : String(error);
  }
}

/** Reserves the GPU for this tab; false while another one has it. */
export async function claimTheGpu(): Promise<boolean> {
  return (await claimGpu()) !== undefined;
}

export function denyStorage(): void {
  StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException("denied", "SecurityError"));
}

/** As if the disk were full after `bytes` bytes. */
export function fillStorage(bytes: number): void {
  let left = bytes;
  // Of workers only, so the types of the page do not know it.
  const { FileSystemSyncAccessHandle: handle } = globalThis as unknown as {
    FileSystemSyncAccessHandle: { prototype: { write(buffer: Uint8Array, options: object): number } };
  };
  const { write } = handle.prototype;
  handle.prototype.write = function (buffer, options) {
    left -= buffer.byteLength;
    if (left < 0) throw new DOMException("full", "QuotaExceededError");
    return write.call(this, buffer, options);
  };
}

/** As if the browser granted this site `bytes` more. */
export function grantRoom(bytes: number): void {
  StorageManager.prototype.estimate = async () => ({ quota: bytes, usage: 0 });
}

/** How many wait for a file that another tab fetches. */
export async function waiting(): Promise<number> {
  return (
    (await navigator.locks.query()).pending?.filter(({ name }) => name?.startsWith("unmask-file-")).length ??
    0
  );
}

/** Files that belong to nobody. */
export async function leaveBehind(names: readonly string[]): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("unmask-files", { create: true });
  for (const name of names) await folder.getFileHandle(name, { create: true });
}

/** Names and sizes of what is kept. */
export async function stored(): Promise<Record<string, number>> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("unmask-files");
  const sizes: Record<string, number> = {};
  for await (const name of folder.keys()) {
    sizes[name] = (await (await folder.getFileHandle(name)).getFile()).size;
  }
  return sizes;
}
