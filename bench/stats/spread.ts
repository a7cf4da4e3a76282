/** Median and spread of repeated measurements. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly n: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const at = (i: number) => round(sorted[i] ?? Number.NaN);
  const median =
    sorted.length % 2 === 1
      ? at(middle)
      : round(((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2);
  return { median, min: at(0), max: at(sorted.length - 1), n: sorted.length };
}

export function showSpread({ median, min, max, n }: Spread, unit: string): string {
  return `${median} ${unit} (${min} to ${max}, ${n} runs)`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
