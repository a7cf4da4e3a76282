import type { Denoiser } from "../../core/types.ts";
import type { Manifest } from "../../model/manifest.ts";

/**
 * Logits of masked cells, `[cells, vocab]`, copied. What can never be chosen is -Infinity.
 *
 * @param most cells at most, spread evenly over the masked ones
 */
export async function maskedLogits(
  denoiser: Denoiser,
  { vocab, tokens, attention }: Pick<Manifest, "vocab" | "tokens" | "attention">,
  canvas: Int32Array,
  most: number = canvas.length,
): Promise<Float32Array> {
  const masked = [...canvas.keys()].filter((row) => canvas[row] === tokens.mask);
  const every = Math.max(1, masked.length / most);
  const rows = Int32Array.from(
    { length: Math.min(most, masked.length) },
    (_, i) => masked[Math.floor(i * every)]!,
  );
  const ids = Int32Array.from({ length: rows.length * vocab }, (_, i) => i % vocab);
  const { gatherLogits } = await denoiser.forward({
    canvases: [canvas],
    rows,
    attention,
    guidance: { kind: "none" },
    signals: { topK: 1, entropy: false, current: false, probe: [], gather: { width: vocab, ids } },
    suppress: [tokens.mask, ...(tokens.suppress ?? [])],
    kv: null,
    promptLen: 0,
  });
  return Float32Array.from(gatherLogits!);
}
