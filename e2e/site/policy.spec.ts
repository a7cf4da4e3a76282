import { expect } from "@playwright/test";
import { openDemo } from "../support/demo-page.ts";
import { headersFile } from "../support/host-headers.ts";
import { openStaticHost } from "../support/static-host.ts";
import { takeRefusals, test } from "../support/strict-test.ts";

test("the policy refuses markup, code, foreign scripts and foreign addresses", async ({ page }) => {
  await openDemo(page);
  const tried = await page.evaluate(async () => {
    const outcomes: Record<string, string> = {};
    const attempt = async (name: string, act: () => unknown): Promise<void> => {
      outcomes[name] = await Promise.resolve()
        .then(act)
        .then(
          () => "allowed",
          (error: unknown) => (error instanceof Error ? error.name : "refused"),
        );
    };
    await attempt("markup", () => {
      document.createElement("p").innerHTML = "<b>bold</b>";
    });
    await attempt("code in a script", () => {
      const script = document.createElement("script");
      script.textContent = "1";
      document.head.append(script);
    });
    await attempt("a worker from elsewhere", () => new Worker("https://example.org/worker.js"));
    await attempt("an address elsewhere", () => fetch("https://example.org/"));
    await attempt("a frame", () => {
      const frame = document.createElement("iframe");
      frame.src = "favicon.svg";
      document.body.append(frame);
      return new Promise<void>((_, reject) => {
        document.addEventListener("securitypolicyviolation", () => reject(new Error("refused")), {
          once: true,
        });
      });
    });
    return outcomes;
  });
  for (const [name, outcome] of Object.entries(tried)) expect(outcome, name).not.toBe("allowed");
  // The watch over all other tests has seen it.
  expect(takeRefusals().length).toBeGreaterThan(3);
});

test("the policy in the page and in `_headers` is the same", async ({ page }) => {
  await using host = await openStaticHost("", await headersFile());
  await openDemo(page, host.site);
  const answer = await page.request.get(host.site);
  const meta = page.locator('meta[http-equiv="Content-Security-Policy"]');
  await expect(meta).toHaveAttribute("content", answer.headers()["content-security-policy"] ?? "");
  expect(answer.headers()["content-security-policy"]).toContain("default-src 'none'");
});
