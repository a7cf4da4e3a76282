/** What a forward cost: computed rows, the keys that they attend to, and how long it took. */
export interface CostSample {
  readonly rows: number;
  readonly keys: number;
  readonly ms: number;
}

/** `ms = fixed + perRow * rows + perPair * rows * keys`. */
export interface CostModel {
  readonly fixed: number;
  readonly perRow: number;
  readonly perPair: number;
  /** Mean of `|predicted - measured| / measured`. */
  readonly error: number;
}

/**
 * Least squares of the relative errors, so that short forwards count as much as long ones.
 *
 * @throws RangeError for samples that do not tell the three terms apart
 */
export function fitCost(samples: readonly CostSample[]): CostModel {
  const features = ({ rows, keys }: CostSample) => [1, rows, rows * keys] as const;
  // Normal equations A x = y of the weighted problem, with weights 1 / ms².
  const a = [0, 1, 2].map((i) =>
    [0, 1, 2].map((j) =>
      samples.reduce(
        (sum, sample) => sum + (features(sample)[i]! * features(sample)[j]!) / sample.ms ** 2,
        0,
      ),
    ),
  );
  const y = [0, 1, 2].map((i) => samples.reduce((sum, sample) => sum + features(sample)[i]! / sample.ms, 0));
  const [fixed, perRow, perPair] = solve(a, y);
  const predict = (sample: CostSample) => fixed + perRow * sample.rows + perPair * sample.rows * sample.keys;
  const error =
    samples.reduce((sum, sample) => sum + Math.abs(predict(sample) / sample.ms - 1), 0) / samples.length;
  return { fixed, perRow, perPair, error };
}

/** Cramer's rule. */
function solve(a: readonly (readonly number[])[], y: readonly number[]): readonly [number, number, number] {
  const whole = determinant(a);
  // Relative to the product of the diagonal: the entries differ by many orders of magnitude.
  if (Math.abs(whole) <= 1e-12 * a[0]![0]! * a[1]![1]! * a[2]![2]!) {
    throw new RangeError("The samples vary too little in rows and keys.");
  }
  const column = (at: number) => a.map((row, i) => row.map((value, j) => (j === at ? y[i]! : value)));
  return [determinant(column(0)) / whole, determinant(column(1)) / whole, determinant(column(2)) / whole];
}

function determinant([r = [], s = [], t = []]: readonly (readonly number[])[]): number {
  const minor = (i: number, j: number) => s[i]! * t[j]! - s[j]! * t[i]!;
  return r[0]! * minor(1, 2) - r[1]! * minor(0, 2) + r[2]! * minor(0, 1);
}
