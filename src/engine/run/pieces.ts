import type { Pieces } from "../../core/events.ts";
import type { Piece, Tokenizer } from "../../core/types.ts";

/** Remembers which tokens a listener has been told about. */
export class PieceBook {
  readonly #tokenizer: Pick<Tokenizer, "piece">;
  readonly #told = new Set<number>();

  constructor(tokenizer: Pick<Tokenizer, "piece">) {
    this.#tokenizer = tokenizer;
  }

  /** Pieces of the ids that were not asked for before; an empty object when all were. */
  firstSeen(ids: Iterable<number>): { readonly pieces?: Pieces } {
    const pieces: Record<string, Piece> = {};
    for (const id of ids) {
      if (this.#told.has(id)) continue;
      this.#told.add(id);
      pieces[String(id)] = this.#tokenizer.piece(id);
    }
    return Object.keys(pieces).length === 0 ? {} : { pieces };
  }
}
