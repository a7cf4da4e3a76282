/** Walks from one position to another, one step a tick; how a recorded trace plays. */
export interface Playback {
  readonly playing: boolean;
  play(): void;
  pause(): void;
}

/**
 * @param tick advances by one position and says whether there is more
 * @param moved is called after each tick, when it is known whether it goes on
 * @param ms time between two ticks
 */
export function createPlayback(tick: () => boolean, moved: () => void, ms: number): Playback {
  let timer: ReturnType<typeof setInterval> | undefined;
  const pause = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    get playing() {
      return timer !== undefined;
    },
    play() {
      pause();
      timer = setInterval(() => {
        if (!tick()) pause();
        moved();
      }, ms);
    },
    pause,
  };
}
