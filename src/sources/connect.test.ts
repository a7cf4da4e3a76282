import { expect, test } from "vitest";
import { DEFAULT_CONNECT, parseConnect, requireAllowed } from "./connect.ts";

test("origins only: nothing that could change the policy they are pasted into", () => {
  expect(parseConnect(DEFAULT_CONNECT)).toHaveLength(3);
  expect(parseConnect(" https://a.org, https://a.org:8443\nhttp://127.0.0.1:9 ")).toHaveLength(3);
  expect(parseConnect("")).toEqual([]);
  for (const bad of [
    "https:",
    "*",
    "'unsafe-eval'",
    "https://a.org;",
    "https://*",
    "http://a.org",
    "https://a.org/x",
  ]) {
    expect(() => parseConnect(bad), bad).toThrow(expect.objectContaining({ code: "invalid-options" }));
  }
});

test("a wildcard stands for hosts below it, on the port it names", () => {
  const list = parseConnect(DEFAULT_CONNECT);
  const allowed = (url: string) => () => requireAllowed(url, list, "https://page.org");
  for (const url of ["https://huggingface.co/a", "https://cdn-lfs.hf.co/x", "https://page.org/m/"]) {
    expect(allowed(url), url).not.toThrow();
  }
  for (const url of [
    "https://hf.co.evil.org/",
    "https://evilhf.co/",
    "http://cdn.hf.co/",
    "https://x.hf.co:8443/",
  ]) {
    expect(allowed(url), url).toThrow(expect.objectContaining({ code: "source-blocked" }));
  }
});
