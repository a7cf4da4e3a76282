import { expect, test } from "vitest";
import { PRESET_NAMES } from "../../src/strategies/recipe/presets.ts";
import { CLAIMS } from "./claims.ts";
import { claimsSection } from "./claims-section.ts";
import { chooseContestants } from "./contestants.ts";
import { type Outcome, standings } from "./summary.ts";

const outcome = (contestant: string, forwards: number, right: boolean): Outcome => ({
  canvas: 256,
  task: "add",
  contestant,
  prompt: "add 1 + 1",
  text: right ? "2" : "3",
  right,
  forwards,
  branches: forwards,
  rows: forwards * 256,
  tokens: 12,
  cells: 240,
  room: 240,
  seconds: 0.1,
  doubts: 0,
});

test("the ratio to the fixed length is taken apart, and what did not run says why", () => {
  const all = standings([
    outcome("llada, fixed length", 240, true),
    outcome("llada", 24, true),
    outcome("credit", 8, false),
    outcome("fast-dllm", 12, true),
  ]);
  const text = claimsSection(all, [{ name: "guided", reason: "The preset needs a companion." }]);
  expect(text).toContain(
    'credit, canvas of 256, 1 prompts: 30.00 times fewer forwards and 30.00 times fewer rows than "llada, fixed length" ' +
      "(ending with the text alone gives plain LLaDA 10.00 times); 3.00 times fewer forwards and 3.00 times fewer rows than plain " +
      "LLaDA that ends with the text; exact 0.0 %, 0 gained and 1 lost against it (p = 1.000). " +
      "Beside fast-dllm: 8.0 against 12.0 forwards and 8.0 against 12.0 branches a response, exact 0.0 % against 100.0 %.",
  );
  expect(text).toContain("- guided: not measured, the preset needs a companion.");
  expect(text).toContain("- daedal: not measured, it was not part of this run.");
});

test("every contestant of a claim can be chosen, or is a preset that other bundles or versions have", () => {
  const known = chooseContestants(undefined, { tokens: { mask: 1, eos: [2] } }).map(({ name }) => name);
  const later = ["learn2pd"].filter((name) => !PRESET_NAMES.includes(name));
  for (const name of CLAIMS.flatMap(({ contestants }) => contestants))
    expect([...known, ...later]).toContain(name);
  for (const { contestants, elsewhere } of CLAIMS) {
    expect(contestants.length > 0 || /`unmask [a-z]+ /.test(elsewhere ?? ""), elsewhere).toBe(true);
  }
});

/** Issue by issue what the comparison has to speak of; the words are those of the papers. */
test.each([
  "Learn2PD",
  "EoTP",
  "CreditDecoding",
  "DAEDAL",
  "Context-aware initialisation",
  "FreeCache",
  "guided diffusion",
  "ReDiff",
  "SVDD",
  "best of n",
  "zero-order",
  "paths",
  "voting",
  "Classifier-free guidance",
  "Adaptive Guidance",
  "Residual guidance",
  "AutoDiffusion",
  "OLSS",
  "EVODiff",
  "Region-adaptive",
  "cache sharing",
  "Trajectory variance",
  "StreamDiffusion",
  "pruning",
  "layer reuse",
])("%s has its claim, the command that measures it and the reason for the difference", (system) => {
  const text = claimsSection([], []);
  const part = text.split("### ").find((section) => section.split("\n")[0]!.includes(system));
  expect(part).toMatch(/Claim: .*`unmask (bench|fit) .*Why they differ: /s);
});

test("a misspelt decoder is refused with the nearest name; the baselines are always there", () => {
  const tokens = { mask: 1, eos: [2] };
  expect(() => chooseContestants("fast-dlm", { tokens })).toThrow('"fast-dllm"');
  const chosen = chooseContestants("eb", { tokens });
  expect(chosen.map(({ name }) => name)).toEqual(["llada, fixed length", "llada", "eb"]);
  expect(chosen[2]).toEqual({ name: "eb", recipe: { preset: "eb", stop: { eos: true } } });
  // DAEDAL finds the length by itself, from a start of its own.
  expect(chooseContestants("daedal", { tokens })[2]).toMatchObject({ name: "daedal", start: 64 });
});
