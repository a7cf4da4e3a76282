/** The part of the Network Information API that is used. */
interface Connection {
  readonly saveData?: boolean;
  readonly type?: string;
}

/** True where the user pays for bytes or asked to be sparing with them. */
export function isMetered(): boolean {
  const { connection } = navigator as { readonly connection?: Connection };
  return connection?.saveData === true || connection?.type === "cellular";
}

/**
 * Calls `prepare` when the page was installed as an app, now or before: that is the click by which a model may be
 * fetched. Never on a metered connection.
 */
export function whenInstalled(prepare: () => void): void {
  if (isMetered()) return;
  if (matchMedia("(display-mode: standalone)").matches) prepare();
  addEventListener("appinstalled", prepare, { once: true });
}
