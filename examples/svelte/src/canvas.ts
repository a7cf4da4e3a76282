import type { GenerateEvent, Pieces } from "unmask";

/** Folds the events of a run into the words of its canvas; a mask is `undefined`. */
export function createCanvas() {
  const pieces = new Map<number, string>();
  let ids: number[] = [];
  let mask = -1;

  function learn(added: Pieces = {}) {
    for (const [id, piece] of Object.entries(added))
      if (typeof piece === "string") pieces.set(Number(id), piece);
  }

  return {
    take(event: GenerateEvent): (string | undefined)[] {
      if (event.type === "start") {
        ids = [...event.canvas];
        mask = event.maskId;
        learn(event.pieces);
      }
      if (event.type === "step") {
        learn(event.pieces);
        for (const { row, id } of event.commits) ids[row] = id;
        for (const { row } of event.remasks) ids[row] = mask;
        for (const { row, id } of event.overwrites) ids[row] = id;
        for (const { at, n } of event.inserts) ids.splice(at, 0, ...Array<number>(n).fill(mask));
        for (const { at, n } of event.deletes) ids.splice(at, n);
      }
      return ids.map((id) => (id === mask ? undefined : (pieces.get(id) ?? "")));
    },
  };
}
