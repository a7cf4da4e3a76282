/** How many masks each step commits: the tables of the reference samplers, exact to their float32 quirks. */

/** LLaDA: `floor(masks / steps)`, the remainder goes to the earliest steps. Zeros are kept. */
export function lladaQuota(masks: number, steps: number): number[] {
  const base = Math.floor(masks / steps);
  const extra = masks % steps;
  return Array.from({ length: steps }, (_, i) => base + (i < extra ? 1 : 0));
}

/** dllm, linear scheduler: the share `1 - (1 - alpha(s)) / (1 - alpha(t))` of the masks left; no empty steps. */
export function dllmLinearQuota(masks: number, steps: number): number[] {
  return dllmQuota(masks, steps, (t) => Math.fround(1 - t));
}

/** dllm, cosine scheduler. */
export function dllmCosineQuota(masks: number, steps: number): number[] {
  const quarterTurn = Math.fround(Math.PI / 2);
  return dllmQuota(masks, steps, (t) => {
    const angle = Math.fround(quarterTurn * Math.fround(1 - t));
    return Math.fround(1 - Math.fround(Math.cos(angle)));
  });
}

/** `alpha` is a float32 function of float32 time; the share is float64 and rounds half to even. */
function dllmQuota(masks: number, steps: number, alpha: (t: number) => number): number[] {
  const masked = (t: number): number => Math.fround(1 - alpha(Math.fround(t)));
  const quota: number[] = [];
  let left = masks;
  for (let step = steps; step > 0 && left > 0; step--) {
    const stays = Math.fround(masked((step - 1) / steps) / masked(step / steps));
    const count = Math.min(left, roundHalfEven(left * (1 - stays)));
    if (count > 0) quota.push(count);
    left -= count;
  }
  return quota;
}

/** Dream: `floor(left * (1 - s/t))` on a float32 time grid from 1 to `eps`; the last step takes all. */
export function dreamQuota(masks: number, steps: number, eps = 1e-3): number[] {
  const grid = linspace32(1, eps, steps + 1);
  const quota: number[] = [];
  let left = masks;
  for (let i = 0; i < steps; i++) {
    const ratio = Math.fround(grid[i + 1]! / grid[i]!);
    const share = Math.fround(1 - ratio);
    const count = i === steps - 1 ? left : Math.floor(Math.fround(left * share));
    quota.push(count);
    left -= count;
  }
  return quota;
}

/** torch.linspace in float32: filled from both ends, so that both are exact. */
export function linspace32(from: number, to: number, count: number): Float32Array {
  const start = Math.fround(from);
  const end = Math.fround(to);
  const width = Math.fround(Math.fround(end - start) / (count - 1));
  const grid = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    grid[i] = i < count / 2 ? start + width * i : end - width * (count - 1 - i);
  }
  return grid;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest > 0.5 ? floor + 1 : floor;
  return floor % 2 === 0 ? floor : floor + 1;
}
