import { addPlugins, cleanupOutdatedCaches, precacheAndRoute } from "workbox-precaching";
import { registerRoute } from "workbox-routing";
import { CacheFirst, NetworkFirst } from "workbox-strategies";
import { dependencies } from "../package.json";

/**
 * Keeps the shell (page, scripts, fonts), onnxruntime's files and the small heads of bundles, so that the app works
 * offline after a visit on which a model was loaded. Weights stay out of it: they live in the origin private file
 * system (src/runtime/store). On hosts that cannot send headers it makes the page cross-origin isolated.
 */
declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: Parameters<typeof precacheAndRoute>[0];
};

/** What the page sends: the files a loaded model needed, which the first visit fetched before this worker was there. */
interface KeepMessage {
  readonly type: "keep";
  readonly urls: readonly string[];
}

const RUNTIME_PREFIX = "unmask-runtime-";
/** The runtime's files are not hashed: another version needs another cache. */
const RUNTIME_CACHE = `${RUNTIME_PREFIX}${dependencies["onnxruntime-web"]}`;
const BUNDLE_CACHE = "unmask-bundles";
const RUNTIME = /\/ort\/[\w.-]+\.(mjs|wasm)$/;
const BUNDLE_HEAD = /\/models\/[\w-]+\/unmask\.json$/;

/** Threads need these on the document and on the scripts of its workers. */
const isolation = {
  handlerWillRespond: async ({ response }: { readonly response: Response }): Promise<Response> => {
    if (response.status !== 200 || response.type === "opaque") return response;
    const headers = new Headers(response.headers);
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("Cross-Origin-Embedder-Policy", "require-corp");
    headers.set("Cross-Origin-Resource-Policy", "cross-origin");
    return new Response(response.body, { status: 200, statusText: response.statusText, headers });
  },
};

addPlugins([isolation]);
precacheAndRoute(self.__WB_MANIFEST, { ignoreURLParametersMatching: [/./] });
cleanupOutdatedCaches();
registerRoute(
  ({ url }) => RUNTIME.test(url.pathname),
  new CacheFirst({ cacheName: RUNTIME_CACHE, plugins: [isolation] }),
);
registerRoute(
  ({ url }) => BUNDLE_HEAD.test(url.pathname),
  new NetworkFirst({ cacheName: BUNDLE_CACHE, networkTimeoutSeconds: 5, plugins: [isolation] }),
);

self.addEventListener("install", (event) => {
  event.waitUntil(renewRuntimes());
});
self.addEventListener("activate", (event) => {
  event.waitUntil(dropOldRuntimes());
});

self.addEventListener("message", (event) => {
  const message: unknown = event.data;
  if (typeof message !== "object" || message === null || !("type" in message)) return;
  // Sent by the page once its user agreed to the update.
  if (message.type === "SKIP_WAITING") void self.skipWaiting();
  if (message.type === "keep") event.waitUntil(answerKeep(event, message as KeepMessage));
});

async function oldRuntimes(): Promise<string[]> {
  const names = await caches.keys();
  return names.filter((name) => name.startsWith(RUNTIME_PREFIX) && name !== RUNTIME_CACHE);
}

/** Who could work offline before an update can do so after it: what was kept of an older runtime is fetched anew. */
async function renewRuntimes(): Promise<void> {
  const runtime = await caches.open(RUNTIME_CACHE);
  for (const name of await oldRuntimes()) {
    for (const { url } of await (await caches.open(name)).keys()) {
      if ((await runtime.match(url)) === undefined) await runtime.add(url);
    }
  }
}

async function dropOldRuntimes(): Promise<void> {
  await Promise.all((await oldRuntimes()).map((name) => caches.delete(name)));
}

/** Tells the page on the port it sent along whether everything is kept. */
async function answerKeep(event: ExtendableMessageEvent, message: KeepMessage): Promise<void> {
  const isKept = await keep(message).then(
    () => true,
    // The network went away, or the disk is full.
    () => false,
  );
  event.ports[0]?.postMessage(isKept);
}

async function keep({ urls }: KeepMessage): Promise<void> {
  for (const url of urls) {
    const { pathname } = new URL(url);
    const name = RUNTIME.test(pathname)
      ? RUNTIME_CACHE
      : BUNDLE_HEAD.test(pathname)
        ? BUNDLE_CACHE
        : undefined;
    if (name === undefined) continue;
    const cache = await caches.open(name);
    if ((await cache.match(url)) === undefined) await cache.add(url);
  }
}
