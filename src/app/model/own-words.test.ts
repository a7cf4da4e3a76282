import { expect, test } from "vitest";
import type { OwnLook } from "../../own/protocol.ts";
import { describeLook, needsMask } from "./own-words.ts";

const LOOK: OwnLook = {
  name: "tiny",
  inspection: {
    kind: "checkpoint",
    runnable: true,
    facts: { family: "a2d-qwen3", parameters: 596e6, attention: { kind: "full" } },
    warnings: [{ code: "lm-head-differs", message: "The stored head is used." }],
  },
  sourceBytes: 1.5e9,
  remote: true,
  storedBytes: 413e6,
  doneBytes: 0,
  room: 10e9,
  dtypes: ["q4", "q8"],
  dtype: "q4",
};

test("what will be fetched and stored is said before it is", () => {
  expect(describeLook(LOOK)).toEqual({
    title: "tiny",
    lines: [
      "a2d-qwen3, 596 million parameters, sees the whole text.",
      "Converting downloads 1.5 GB and stores 413 MB in this browser; 10.0 GB are free.",
      "The stored head is used.",
    ],
    action: "Download and convert",
  });
  const local = describeLook({ ...LOOK, remote: false, doneBytes: 50e6 });
  expect(local.lines).toContain("50 MB are done already; it goes on from there.");
  expect(local.action).toBe("Convert the rest");
});

test("what does not fit, and what cannot run, has no button", () => {
  const full = describeLook({ ...LOOK, room: 1e6 });
  expect(full.lines.at(-1)).toContain("does not fit");
  expect(full).not.toHaveProperty("action");
  const { storedBytes: _, ...rest } = LOOK;
  const refused = describeLook({
    ...rest,
    inspection: { ...LOOK.inspection, runnable: false, reason: "It would need experts." },
  });
  expect(refused.title).toBe("tiny cannot run here");
  expect(refused.lines[0]).toBe("It would need experts.");
  expect(refused).not.toHaveProperty("action");
});

test("a model whose mask nobody names is not converted before its user does", () => {
  const warnings = [{ code: "tokens-missing", message: "No mask token is named." }];
  const look = { ...LOOK, inspection: { ...LOOK.inspection, warnings } };
  expect(needsMask(look)).toBe(true);
  expect(describeLook(look)).not.toHaveProperty("action");
});

test("a bundle is loaded from where it is, or copied from a folder", () => {
  const inspection = { ...LOOK.inspection, kind: "bundle" } as const;
  const { storedBytes: _, ...away } = LOOK;
  expect(describeLook({ ...away, inspection, bundle: "https://host/m/" }).action).toBe("Load it");
  expect(describeLook({ ...LOOK, inspection }).action).toBe("Copy it into this browser");
});

test("an export is added, not converted; one of another kind says why it cannot run", () => {
  const facts = { vocab: 151936, attention: { kind: "block-causal", block: 32 } };
  const inspection = { kind: "export", runnable: true, facts, warnings: [] } as const;
  const look = { ...LOOK, inspection, sourceBytes: 689e6, storedBytes: 689e6 };
  const words = describeLook(look);
  expect(words.lines[0]).toMatch(/An ONNX export, 151936 tokens, sees blocks of 32.*no cache/);
  expect(words.lines[1]).toBe(
    "Adding it downloads 689 MB and stores as much in this browser; 10.0 GB are free.",
  );
  expect(words.action).toBe("Download and add");
  expect(describeLook({ ...look, remote: false }).action).toBe("Add it");
  expect(describeLook({ ...look, doneBytes: 5e6 }).action).toBe("Download the rest");
  expect(describeLook({ ...look, room: 1e6 })).not.toHaveProperty("action");
  const warnings = [{ code: "tokenizer-missing", message: "It has no tokenizer.json." }];
  const lost = { ...look, inspection: { ...inspection, warnings } };
  expect(describeLook(lost)).not.toHaveProperty("action");
  expect(needsMask(lost)).toBe(false);
  const other = { ...inspection, runnable: false, reason: "It is an autoregressive export." };
  expect(describeLook({ ...look, inspection: other })).toEqual({
    title: "tiny cannot run here",
    lines: ["It is an autoregressive export."],
  });
});
