/** Offers a new version of the page; it is taken when the user asks for it, and by this tab alone. */
export interface Updates {
  /** No update while a text is being written. */
  refresh(running: boolean): void;
}

/**
 * A worker that waits is offered by `button`. Once it was told to take over, every tab of the site is served by it: the
 * tab that asked reloads, the others go on with what they have and are offered the same button.
 */
export function offerUpdates(
  container: ServiceWorkerContainer,
  registration: ServiceWorkerRegistration,
  button: HTMLButtonElement,
): Updates {
  const wasControlled = container.controller !== null;
  let waiting = registration.waiting ?? undefined;
  const offer = (worker: ServiceWorker | undefined): void => {
    waiting = worker;
    button.hidden = false;
  };
  const watch = (worker: ServiceWorker | null): void => {
    worker?.addEventListener("statechange", () => {
      // The first worker of a site waits for nobody.
      if (worker.state === "installed" && registration.active !== null) offer(worker);
    });
  };
  if (waiting !== undefined) offer(waiting);
  watch(registration.installing);
  registration.addEventListener("updatefound", () => watch(registration.installing));
  container.addEventListener("controllerchange", () => {
    // Another tab updated: this one still runs the old page.
    if (wasControlled) offer(undefined);
  });
  button.addEventListener("click", () => {
    const next = waiting;
    if (next === undefined || next.state === "activated") return location.reload();
    next.addEventListener("statechange", () => {
      if (next.state === "activated") location.reload();
    });
    next.postMessage({ type: "SKIP_WAITING" });
  });
  return {
    refresh(running) {
      button.disabled = running;
      button.title = running ? "When this text is written" : "Reloads the page in its new version";
    },
  };
}
