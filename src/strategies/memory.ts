import type { DecodeState } from "./strategy.ts";

/** What one piece keeps between steps: plain data that survives `structuredClone`. */
export interface Memory<T> {
  /** The kept value; made on the first call of a run. */
  of(state: DecodeState): T;
  set(state: DecodeState, value: T): void;
}

/**
 * A place in {@link DecodeState.memory}.
 *
 * @param name unique among the pieces of a strategy
 * @param initial makes the first value
 */
export function defineMemory<T>(name: string, initial: () => T): Memory<T> {
  return {
    of: (state) => {
      if (!Object.hasOwn(state.memory, name)) state.memory[name] = initial();
      return state.memory[name] as T; // only this piece writes under its name
    },
    set: (state, value) => {
      state.memory[name] = value;
    },
  };
}
