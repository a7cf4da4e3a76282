import { expect, test } from "vitest";
import type { Attention } from "../core/types.ts";
import { CACHE_NAMES, type CacheInput, resolveCache, writeCache } from "./choice.ts";
import { type CacheDemands, composeCache } from "./compose.ts";

const FULL: Attention = { kind: "full" };
const BLOCKS: Attention = { kind: "block-causal", block: 4, align: "absolute" };

/** Names that are accepted. */
function accepted(attention: Attention, demands?: CacheDemands): readonly string[] {
  return CACHE_NAMES.filter((name) => {
    try {
      composeCache(resolveCache(name), attention, demands);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "invalid-options", detail: { option: "cache", cache: name } });
      return false;
    }
  });
}

test("approximate caches are for full attention, block K/V for block-causal models", () => {
  expect(accepted(FULL)).toEqual(CACHE_NAMES.filter((name) => name !== "block"));
  expect(accepted(BLOCKS)).toEqual(["none", "block"]);
});

test("a strategy gets no cache that hides what it asks for", () => {
  expect(accepted(FULL, { revises: true })).toEqual(["none", "partial", "region"]);
  expect(accepted(FULL, { looksAhead: true })).toEqual(["none", "prefix", "free"]);
  expect(accepted(FULL, { comparesSteps: true })).toEqual(["none"]);
  expect(accepted(BLOCKS, { drafts: true })).toEqual(["none"]);
  expect(accepted(BLOCKS, { drafts: "masks" })).toEqual(["none", "block"]);
  expect(accepted(FULL, { drafts: "masks" })).toEqual(["none"]);
  expect(accepted(FULL, { skipsBranch: true })).toEqual(["none", "prefix", "dual"]);
  expect(accepted(BLOCKS, { skipsBranch: true })).toEqual(["none"]);
  expect(accepted(BLOCKS, { revises: true, looksAhead: true, comparesSteps: true })).toEqual([
    "none",
    "block",
  ]);
});

test.each<CacheInput>([...CACHE_NAMES, { policy: "dual", refresh: 4 }])(
  "%j is written as it is read",
  (input) => {
    expect(writeCache(resolveCache(input))).toEqual(input);
  },
);

test("a policy whose numbers are the usual ones is written by name", () => {
  expect(writeCache({ policy: "prefix", refresh: 0 })).toBe("prefix");
});
