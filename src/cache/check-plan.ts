import { UnmaskError } from "../core/errors.ts";
import type { ForwardRequest } from "../core/types.ts";
import { predictingRows } from "./rows.ts";

/**
 * Checks that a cached forward can be carried out and answers only with rows it computes: a row whose statistics are
 * wanted must be computed now, in drafts too, and a row that is read must be stored.
 *
 * @param isStored whether the K/V of a row are in the store; not asked when the plan reads nothing
 * @throws UnmaskError `internal`
 */
export function checkPlan(request: ForwardRequest, shift: 0 | 1, isStored: (row: number) => boolean): void {
  const { kv, canvases, rows, drafts = [] } = request;
  if (kv === null) return;
  const length = canvases[0]?.length ?? 0;
  const { queryRows, readRows, writeRows } = kv;
  for (const list of [queryRows, readRows, writeRows]) {
    if (!ascends(list, length)) fail(`its rows do not ascend within a canvas of ${length}`);
  }
  const computed = new Set(queryRows);
  if (computed.size === 0) fail("it computes nothing");
  if (readRows.some((row) => computed.has(row))) fail("it reads a row that it computes");
  if (writeRows.some((row) => !computed.has(row))) fail("it stores a row that it does not compute");
  const stale = predictingRows(rows, shift).find((row) => !computed.has(row));
  if (stale !== undefined) fail(`row ${stale} is asked for but not computed`);
  const missing = readRows.find((row) => !isStored(row));
  if (missing !== undefined) fail(`row ${missing} is read but not stored`);
  const unseen = drafts.flatMap((draft) => [...predictingRows(draft.rows, shift)]);
  const hidden = unseen.find((row) => !computed.has(row));
  if (hidden !== undefined) fail(`row ${hidden} is asked for in a draft but not computed`);
}

function ascends(rows: Int32Array, length: number): boolean {
  return rows.every((row, i) => row >= 0 && row < length && (i === 0 || row > rows[i - 1]!));
}

function fail(why: string): never {
  throw new UnmaskError("internal", `A cached forward does not fit together: ${why}.`);
}
