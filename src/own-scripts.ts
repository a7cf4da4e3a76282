/** The part of the Trusted Types API that is used; browsers without it ignore the directive as well. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown;
}

/**
 * For pages and workers whose policy says `require-trusted-types-for 'script'; trusted-types default`: scripts and
 * workers of their own origin may be started, and nothing else that a string could become code in, such as markup.
 */
export function trustOwnScripts(): void {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  try {
    trustedTypes?.createPolicy("default", {
      createScriptURL(url) {
        const { origin } = new URL(url, location.href);
        if (origin === location.origin) return url;
        throw new TypeError(`Scripts of ${origin} are not started.`);
      },
    });
  } catch {
    // The policy of an embedding page allows no such policy; what that page allows then holds.
  }
}
