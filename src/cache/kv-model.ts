import { UnmaskError } from "../core/errors.ts";
import type { ForwardRequest } from "../core/types.ts";
import { checkPlan } from "./check-plan.ts";

/** What a cached forward would see: the pure model of a store, for scripted oracles and for checking policies. */
export interface KvModel {
  /**
   * The canvases as the forward sees them: query rows as they are now, read rows as they were when they were stored. Then
   * stores what the plan writes.
   *
   * @throws UnmaskError `internal` for a plan that cannot be carried out, or whose visible rows have a hole
   */
  see(request: ForwardRequest): readonly Sight[];
}

export interface Sight {
  /** Visible ids, `[M]`; the canvas may go on behind it. */
  readonly ids: Int32Array;
  /** Read rows whose token has changed since it was stored. */
  readonly staleRows: Int32Array;
}

export function createKvModel(shift: 0 | 1): KvModel {
  const stores = [new Map<number, number>(), new Map<number, number>()] as const;
  return {
    see(request) {
      const { canvases, kv, guidance } = request;
      if (kv === null) return canvases.map((ids) => ({ ids, staleRows: new Int32Array(0) }));
      if (kv.readRows.length === 0) for (const store of stores) store.clear();
      checkPlan(request, shift, (row) => stores[0].has(row));
      return canvases.map((ids, canvas) => {
        const store = stores[guidance.kind === "cfg" && canvas === 1 ? 1 : 0];
        const visible = new Int32Array(kv.queryRows.length + kv.readRows.length);
        const put = (row: number, id: number) => {
          if (row >= visible.length)
            throw new UnmaskError("internal", `Row ${row} is seen, but not every row before it.`);
          visible[row] = id;
        };
        for (const row of kv.queryRows) put(row, ids[row]!);
        for (const row of kv.readRows) put(row, store.get(row)!);
        for (const row of kv.writeRows) store.set(row, ids[row]!);
        return { ids: visible, staleRows: kv.readRows.filter((row) => visible[row] !== ids[row]) };
      });
    },
  };
}
