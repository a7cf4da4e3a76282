import { expect, test } from "vitest";
import { controlsView, loadMessage } from "./controls-view.ts";
import type { ElementPhase, ElementState } from "./state.ts";

const state = (phase: ElementPhase, steps = 0, playing = false): ElementState => ({
  phase,
  steps,
  playing,
  step: steps,
  masksLeft: 0,
  forwards: steps,
  tokensPerSecond: 0,
});

test("a sheet with a model offers to write, then to stop, then to write again", () => {
  expect(controlsView(state("empty"), true, "").write).toBe("Write");
  expect(controlsView(state("loading"), true, "").write).toBe("Stop");
  expect(controlsView(state("generating", 3), true, "").write).toBe("Stop");
  expect(controlsView(state("done", 3), true, "").write).toBe("Write again");
  expect(controlsView(state("error"), true, "").write).toBe("Write");
});

test("a sheet that only shows a trace never offers to write", () => {
  for (const phase of ["empty", "done", "error"] as const) {
    expect(controlsView(state(phase, 3), false, "").write).toBeUndefined();
  }
  expect(controlsView(state("done", 3), false, "").play).toBe("Play");
  expect(controlsView(state("done", 3, true), false, "").play).toBe("Pause");
});

test("the message says the phase while something goes on, and the outcome afterwards", () => {
  expect(controlsView(state("generating", 9), true, "old").message).toBe("generating");
  expect(controlsView(state("error", 9), true, "It broke (internal)").message).toBe("It broke (internal)");
  expect(loadMessage({ phase: "downloading", bytes: 3_100_000, totalBytes: 6_200_000 })).toBe(
    "downloading 3.1 of 6.2 MB",
  );
  expect(loadMessage({ phase: "compiling", bytes: 1, totalBytes: 1 })).toBe("compiling");
});
