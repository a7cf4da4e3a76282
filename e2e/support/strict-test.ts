import { type BrowserContext, test as base, expect } from "@playwright/test";

/** Tag of tests that only `npm run test:slow` runs, though their file is not slow; see playwright.config.ts. */
export const SLOW = "@slow";

/** What the page's Content-Security-Policy refused since the test began, as the console tells it. */
const refusals: string[] = [];
const watched = new WeakSet<BrowserContext>();

/** Watches pages and workers of a context that a test made itself; its first one is watched by {@link test}. */
export function watchPolicy(context: BrowserContext): void {
  if (watched.has(context)) return;
  watched.add(context);
  context.on("console", (message) => {
    if (/Content Security Policy|requires 'Trusted/.test(message.text())) refusals.push(message.text());
  });
}

/** Takes the refusals that a test provoked, so that they do not fail it. */
export function takeRefusals(): string[] {
  return refusals.splice(0);
}

/** A test that fails when anything in it violates a Content-Security-Policy. */
export const test = base.extend<{ strictPolicy: undefined }>({
  strictPolicy: [
    async ({ context }, use) => {
      refusals.length = 0;
      watchPolicy(context);
      await use(undefined);
      expect(takeRefusals()).toEqual([]);
    },
    { auto: true },
  ],
});
