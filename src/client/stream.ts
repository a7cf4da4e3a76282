/** The writing end of a stream: values go in at any speed, `end` closes it, with an error when there was one. */
export interface Stream<T> extends AsyncIterable<T> {
  push(value: T): void;
  end(error?: unknown): void;
}

/**
 * Push turned into an async iterable for one reader. Values arrive in order; an error comes after the values before it.
 *
 * @param onLeave called once when the reader leaves before the end (`break`, `return`, `throw`)
 */
export function createStream<T>(onLeave: () => void): Stream<T> {
  const queue: T[] = [];
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;
  const signal = () => {
    wake?.();
    wake = undefined;
  };
  const next = async (): Promise<IteratorResult<T, undefined>> => {
    while (queue.length === 0 && !ended) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (queue.length > 0) return { done: false, value: queue.shift() as T }; // length was checked
    if (failure !== undefined) {
      const { error } = failure;
      failure = undefined;
      throw error;
    }
    return { done: true, value: undefined };
  };
  return {
    push(value) {
      if (ended) return;
      queue.push(value);
      signal();
    },
    end(error) {
      if (ended) return;
      ended = true;
      if (error !== undefined) failure = { error };
      signal();
    },
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        if (!ended) onLeave();
        ended = true;
        failure = undefined;
        queue.length = 0;
        return { done: true, value: undefined };
      },
    }),
  };
}
