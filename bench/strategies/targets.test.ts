import { expect, test } from "vitest";
import { type Outcome, standings } from "./summary.ts";
import { bestDecoder, frontRunners, targetTable } from "./targets.ts";

const outcome = (contestant: string, prompt: number, forwards: number, right: boolean): Outcome => ({
  canvas: 256,
  task: prompt % 2 === 0 ? "add" : "sort",
  contestant,
  prompt: String(prompt),
  text: right ? "right" : "wrong",
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

/** Ten prompts of each of two tasks. */
const of = (contestant: string, forwards: number, right: (prompt: number) => boolean): Outcome[] =>
  Array.from({ length: 20 }, (_, prompt) => outcome(contestant, prompt, forwards, right(prompt)));

const always = (): boolean => true;

const ALL = standings([
  ...of("llada", 32, always),
  ...of("credit", 40, always),
  ...of("localleap", 8, (prompt) => prompt % 2 === 1),
  ...of("eb", 120, (prompt) => prompt !== 3),
  ...of("freedave", 16, always),
]);
const row = (name: string): readonly string[] => targetTable(ALL).rows.find(([first]) => first === name)!;

test("a target asks for its ratio and for the answers", () => {
  // 240 forwards at fixed length: 6.00 times and 30.00 times fewer.
  expect(row("credit").slice(4)).toEqual(["5.00", "6.00", "0.0", "none", "yes"]);
  // All of add is lost, half of the mean.
  expect(row("localleap").slice(4)).toEqual(["6.94", "30.00", "50.0", "add", "no"]);
  // One of ten prompts of one task: 5 points of the mean, no significant task.
  expect(row("eb").slice(4)).toEqual(["2.00", "2.00", "5.0", "none", "no"]);
  expect(row("freedave").slice(4)).toEqual(["100.0 %", "100.0 %", "0.0", "none", "yes"]);
  expect(row("klass").slice(4)).toEqual(["2.78", "not measured", "-", "-", "-"]);
});

test("the best decoder has the fewest forwards of those that answer as well", () => {
  expect(bestDecoder(ALL, ["llada", "credit", "localleap", "eb", "freedave"])).toBe("freedave");
  const few = standings([...of("llada", 32, always), outcome("quick", 0, 1, true)]);
  expect(bestDecoder(few, ["llada", "quick"])).toBe("llada");
});

test("who was measured now and then and looks better is a front runner", () => {
  const seen = (name: string, forwards: number, right: (prompt: number) => boolean) =>
    of(name, forwards, right).slice(4, 8);
  const some = standings([
    ...of("llada", 32, always),
    ...of("fast-dllm", 8, always),
    ...seen("hasty", 2, (prompt) => prompt > 5),
    ...seen("quick", 4, always),
    ...seen("quicker", 3, always),
    ...seen("slow", 16, always),
  ]);
  const names = ["llada", "fast-dllm", "hasty", "quick", "quicker", "slow"];
  expect(frontRunners(some, names)).toEqual(["quicker", "quick"]);
});

test("DAEDAL is held against the canvas on which one token a step answers best", () => {
  const on = (canvas: number, list: Outcome[]) => list.map((entry) => ({ ...entry, canvas }));
  const half = (prompt: number) => prompt % 4 < 2;
  const all = standings([
    ...on(128, of("llada", 32, always)),
    ...of("llada", 32, half),
    ...of("daedal", 8, half).map((entry) => ({ ...entry, cells: 24 })),
  ]);
  const found = targetTable(all).rows.find(([name]) => name === "daedal")!;
  expect(found.slice(5)).toEqual(["10.00", "50.0", "none", "no"]);
});
