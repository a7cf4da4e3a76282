import type { Settings } from "../recipe/preset.ts";

/** Settings of a run over `length` cells in one block, a token a step, unless `more` says otherwise. */
export function testSettings(length: number, more: Partial<Settings> = {}): Settings {
  return {
    length,
    block: length,
    steps: length,
    table: [],
    temperature: 0,
    topK: 0,
    topP: 1,
    threshold: 0.9,
    factor: 1,
    gamma: 0.1,
    guidance: { cfg: 0 },
    ...more,
  };
}
