import { UnmaskError } from "../../src/core/errors.ts";
import type { Denoiser } from "../../src/core/types.ts";
import { allocateRowStats, reduceRows } from "../../src/math/row-stats.ts";
import { pickRows, rowsAt, type Stream, type TwoParts } from "./two-parts.ts";

/** What a scheme knows of a forward. */
interface Canvas {
  /** `[N]` */
  readonly ids: readonly number[];
  readonly maskId: number;
  readonly promptLen: number;
  /** Rows whose logits are wanted, `[L]`. */
  readonly wanted: readonly number[];
}

/** Logits `[L, vocab]`, and what they took: rows times the share of the layers that computed them. */
type Answer = { readonly logits: Float32Array; readonly rows: number };

/** A way to compute the logits of a canvas; made anew for every run, it may remember. */
export type Scheme = (canvas: Canvas) => Promise<Answer>;

const allRows = (ids: readonly number[]): number[] => ids.map((_, row) => row);

/** The model as it is. */
export function whole(parts: TwoParts): Scheme {
  return async ({ ids, wanted }) => {
    const positions = allRows(ids);
    const { stream } = await parts.lower(ids, { positions });
    return { logits: await parts.upper(stream, { positions }, wanted), rows: ids.length };
  };
}

/**
 * Late-step pruning of the prompt (after arXiv 2511.15098): once the run is late, the upper part does not see it.
 *
 * @param isLate asked with the tokens behind the prompt that are written
 */
export function pruned(parts: TwoParts, isLate: (written: number) => boolean): Scheme {
  const { lower, upper } = parts.layers;
  return async ({ ids, maskId, promptLen, wanted }) => {
    const positions = allRows(ids);
    const written = ids.slice(promptLen).filter((id) => id !== maskId).length;
    const kept = isLate(written) ? positions.slice(promptLen) : positions;
    // Cut at the embedding, the lower part costs nothing: the prompt is gone from every layer.
    const { stream } = await parts.lower(ids, { positions });
    const logits = await parts.upper(
      pickRows(stream, parts.width, kept),
      { positions: kept },
      wanted.map((row) => kept.indexOf(row)),
    );
    return { logits, rows: (ids.length * lower + kept.length * upper) / (lower + upper) };
  };
}

/**
 * Layer reuse (Faster Diffusion, arXiv 2312.09608): in all but every n-th forward the lower part computes only the cells
 * that have changed; the others keep what they gave last.
 */
export function reused(parts: TwoParts, every: number): Scheme {
  const { width, layers } = parts;
  let last: { ids: number[]; stream: Stream; kept: readonly Float32Array[]; age: number } | undefined;
  return async ({ ids, wanted }) => {
    const positions = allRows(ids);
    const known = last;
    const isKey = known === undefined || known.ids.length !== ids.length || known.age + 1 >= every;
    const changed = isKey ? positions : positions.filter((row) => ids[row] !== known.ids[row]);
    if (isKey) {
      last = { ids: [...ids], ...(await parts.lower(ids, { positions })), age: 0 };
    } else {
      last = { ...known, ids: [...ids], age: known.age + 1 };
      if (changed.length > 0) {
        const still = positions.filter((row) => ids[row] === known.ids[row]);
        const past = known.kept.map((values) => rowsAt(values, width, still));
        const now = await parts.lower(
          changed.map((row) => ids[row]!),
          { positions: changed, past },
        );
        for (const [name, values] of last.stream) write(values, now.stream.get(name)!, width, changed);
        for (const [i, values] of last.kept.entries()) write(values, now.kept[i]!, width, changed);
      }
    }
    const logits = await parts.upper(last!.stream, { positions }, wanted);
    const rows = (changed.length * layers.lower + ids.length * layers.upper) / (layers.lower + layers.upper);
    return { logits, rows };
  };
}

function write(into: Float32Array, from: Float32Array, width: number, places: readonly number[]): void {
  for (const [i, place] of places.entries()) {
    into.set(from.subarray(i * width, (i + 1) * width), place * width);
  }
}

/** A denoiser over a scheme, for recipes without cache, guidance, drafts or divergences; it counts rows. */
export function schemeDenoiser(
  scheme: Scheme,
  { vocab, maskId, maxCanvas }: Pick<Denoiser, "vocab" | "maskId" | "maxCanvas">,
): Denoiser & { rows(): number } {
  let total = 0;
  return {
    vocab,
    maskId,
    maxCanvas,
    rows: () => total,
    forward: async ({ canvases, rows, kv, guidance, drafts, signals, suppress, promptLen }) => {
      if (
        kv !== null ||
        guidance.kind !== "none" ||
        drafts !== undefined ||
        signals.klPrevious !== undefined
      ) {
        throw new UnmaskError("invalid-options", "This recipe needs more than an experiment's forward.");
      }
      const ids = canvases[0]!;
      const { logits, rows: took } = await scheme({
        ids: Array.from(ids),
        maskId,
        promptLen,
        wanted: Array.from(rows),
      });
      total += took;
      const stats = allocateRowStats(rows, signals);
      reduceRows(logits, vocab, ids, signals, suppress, stats);
      return stats;
    },
    dispose: async () => {},
  };
}
