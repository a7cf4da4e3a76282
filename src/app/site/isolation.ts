const RELOADED = "unmask-isolated";

/**
 * On hosts that send no COOP and COEP the service worker adds them, so threads are there from the next load on. A first
 * visit is loaded once more for it: never in a frame, which its embedder isolates, never again in this tab, and not once
 * anything was touched.
 *
 * @param isIdle false when something would be lost
 */
export async function isolateOnce(container: ServiceWorkerContainer, isIdle: () => boolean): Promise<void> {
  if (crossOriginIsolated || window.top !== window || container.controller !== null) return;
  let touched = false;
  for (const type of ["pointerdown", "keydown", "input"]) {
    addEventListener(type, () => (touched = true), { once: true, capture: true });
  }
  await container.ready;
  if (touched || !isIdle() || (await hasGpu())) return;
  try {
    // Without the mark, or without storage for it, a page that stays as it is would be loaded for ever.
    if (sessionStorage.getItem(RELOADED) !== null) return;
    sessionStorage.setItem(RELOADED, "1");
  } catch {
    return;
  }
  if (!touched && isIdle()) location.reload();
}

/** A real graphics processor needs no threads. */
async function hasGpu(): Promise<boolean> {
  const gpu = navigator.gpu as GPU | undefined;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter !== undefined && adapter !== null && !adapter.info.isFallbackAdapter;
}
