/** Relative L2 error over everything; argmax agreement (0..1) and mean KL(expected || actual) over rows. */
export function compareLogits(actual: Float32Array, expected: Float32Array, vocab: number) {
  let difference = 0;
  let norm = 0;
  let agreed = 0;
  let kl = 0;
  const rows = expected.length / vocab;
  for (let row = 0; row < rows; row++) {
    const a = actual.subarray(row * vocab, (row + 1) * vocab);
    const e = expected.subarray(row * vocab, (row + 1) * vocab);
    for (let i = 0; i < vocab; i++) {
      difference += (a[i]! - e[i]!) ** 2;
      norm += e[i]! ** 2;
    }
    const [bestA, lseA] = rowSummary(a);
    const [bestE, lseE] = rowSummary(e);
    if (bestA === bestE) agreed++;
    for (let i = 0; i < vocab; i++) kl += Math.exp(e[i]! - lseE) * (e[i]! - lseE - a[i]! + lseA);
  }
  // A NaN anywhere makes every comparison false, and so fails.
  const rel = difference === 0 ? 0 : Math.sqrt(difference / norm);
  return { rel, agreement: agreed / rows, kl: kl / rows };
}

function rowSummary(row: Float32Array): [best: number, lse: number] {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  let sum = 0;
  for (const value of row) sum += Math.exp(value - row[best]!);
  return [best, row[best]! + Math.log(sum)];
}
